"""Cells whose weights follow from the number of their steps."""

from abc import abstractmethod
from dataclasses import dataclass, replace

from simulations.experiments.base import Cell
from theory.measurement import Array, Run


@dataclass(frozen=True, kw_only=True)
class WeightedCell(Cell):
    """A cell that works out the weights of `Run.weighted` when it runs, so that it may be shortened."""

    @abstractmethod
    def weigh(self, steps: int) -> Array:
        """a_t for every step, (steps,)."""

    def run(self, root: int = 0, device: str = "cpu") -> Run:
        """Simulate this cell with its weights."""
        weights = tuple(self.weigh(self.checkpoints[-1]).tolist())
        return Cell.run(replace(self, weights=weights), root, device)
