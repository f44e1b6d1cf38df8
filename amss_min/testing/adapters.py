"""Estimators of other forms, as estimate(gradient, *, generator) -> Tensor: the one form that is tested.

Each adapter returns such a function. Random numbers that the adapted code needs come from the torch generator, as a
seed of 62 bits for a generator of NumPy or a key of JAX: the same generator state gives the same output. The adapted
code gets the gradient's own memory, so that a change in place is seen and not hidden in a copy.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from amss_min.designs import Design, Draw
from amss_min.designs.base import WORD
from amss_min.importance import Importance, SquaredGradient
from amss_min.weightings import HorvitzThompson, Weighting

Estimate = Callable[..., Tensor]
Shape = Sequence[int]
Tensors = Mapping[str, Tensor] | Sequence[Tensor]

_DECLARED = ("batched", "bound", "omega", "support")


def stateful(factory: Callable[[], Estimate], steps: int = 1) -> Estimate:
    """An estimator that keeps a state from call to call: every draw is the last of `steps` calls of a fresh one.

    factory() returns an estimator in its initial state. Error feedback and masks that are reused across steps are
    estimators of this kind: call for call their outputs depend on each other, run for run they do not. With steps = 1
    the first output is tested, with steps = t the one after t - 1 steps on the same gradient.

    >>> class ErrorFeedback:
    ...     def __init__(self):
    ...         self.left = 0.0
    ...     def __call__(self, gradient, *, generator):
    ...         whole = gradient + self.left
    ...         sent = whole * (whole.abs() == whole.abs().max())
    ...         self.left = whole - sent
    ...         return sent
    >>> stateful(ErrorFeedback, steps=2)(torch.tensor([[3.0], [2.0]]), generator=torch.Generator())
    tensor([[0.],
            [4.]])

    Raises ValueError for steps below 1.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, found steps={steps}")

    def estimate(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        fresh = factory()
        for _ in range(steps - 1):
            fresh(gradient, generator=generator)
        return fresh(gradient, generator=generator)

    estimate.__name__ = _name(factory)
    return estimate


def from_numpy(function: Callable[[NDArray[Any], np.random.Generator], Any]) -> Estimate:
    """An estimator from function(gradient, rng): an array and a numpy.random.Generator to an array.

    rng is np.random.default_rng(seed) with a fresh seed from the torch generator for every call. The attributes
    batched, bound, omega and support of the function, where it has them, are taken over.

    >>> halves = from_numpy(lambda gradient, rng: gradient * rng.integers(0, 2, gradient.shape) * 2)
    >>> halves(torch.ones(2, 1), generator=torch.Generator().manual_seed(0)).shape
    torch.Size([2, 1])
    """

    def estimate(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        rng = np.random.default_rng(_word(generator))
        return _tensor(function(gradient.detach().cpu().numpy(), rng), gradient)

    return _as(function, estimate)


def key(seed: int) -> NDArray[np.uint32]:
    """A raw key of JAX from a seed below 2^64: its upper and its lower 32 bits.

    >>> key(2**32 + 7).tolist()
    [1, 7]
    """
    return np.array([seed >> 32, seed % 2**32], dtype=np.uint32)


def from_jax_style(function: Callable[[Any, Any], Any], make_key: Callable[[int], Any] = key) -> Estimate:
    """An estimator from a pure function(key, gradient) -> array, such as a jitted function of JAX.

    make_key: from a seed of 62 bits to a key; jax.random.key or jax.random.PRNGKey, by default the pair of 32-bit words
    that a raw key is. The gradient is handed over as a NumPy array, and the result is read as one. JAX computes in
    float32 unless jax_enable_x64 is set: then roundings of 2^-24 are what the result is off by. Attributes of the
    function are taken over as in `from_numpy`.

    >>> def halves(key, gradient):
    ...     return gradient * np.random.default_rng(key).integers(0, 2, gradient.shape) * 2
    >>> from_jax_style(halves)(torch.ones(2, 1), generator=torch.Generator().manual_seed(0)).shape
    torch.Size([2, 1])
    """

    def estimate(gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        return _tensor(function(make_key(_word(generator)), gradient.detach().cpu().numpy()), gradient)

    return _as(function, estimate)


@dataclass(frozen=True, eq=False)
class SeveralTensors:
    """An estimator from function(tensors, generator=generator), of several tensors at once, to tensors like them.

    shapes: their shapes, by name or in a list; the function gets and returns tensors in the same form. The estimator
    takes a gradient (K, 1): K counts all entries, tensor after tensor in the order of `shapes`, each tensor row by row.
    So a unit is one entry, `unit_names` says which, and a bias in any entry of any tensor is a bias of its unit.

    >>> def keeps_matrices(tensors, *, generator):
    ...     return {name: x if x.ndim > 1 else x * 0 for name, x in tensors.items()}
    >>> estimate = SeveralTensors(keeps_matrices, {"weight": (1, 2), "bias": (1,)})
    >>> estimate(torch.tensor([[1.0], [2.0], [3.0]]), generator=torch.Generator()).flatten().tolist()
    [1.0, 2.0, 0.0]
    >>> estimate.unit_names
    ['weight[0, 0]', 'weight[0, 1]', 'bias[0]']

    Raises ValueError for shapes without any entry; a call, for a gradient that is not (K, 1), and for results that are
    not of the same names and shapes.
    """

    function: Callable[..., Tensors]
    shapes: Mapping[str, Shape] | Sequence[Shape]

    def __post_init__(self) -> None:
        if self.units == 0:
            raise ValueError(f"several tensors must have at least one entry, found shapes {self.shapes!r}")

    def __call__(self, gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        """The estimate of a gradient (K, 1)."""
        return self.join(self.function(self.split(gradient), generator=generator))

    @property
    def __name__(self) -> str:
        return _name(self.function)

    @property
    def units(self) -> int:
        """K, the number of all entries."""
        return sum(math.prod(shape) for shape in self._shapes.values())

    @property
    def unit_names(self) -> list[str]:
        """The entry that every unit stands for."""
        places = [(name, index) for name, shape in self._shapes.items() for index in np.ndindex(*shape)]
        return [f"{name}[{', '.join(map(str, index))}]" if index else str(name) for name, index in places]

    def split(self, gradient: Tensor) -> dict[str, Tensor] | list[Tensor]:
        """The tensors of a gradient (K, 1): views of it."""
        if gradient.shape != (self.units, 1):
            raise ValueError(f"a gradient must be of shape {(self.units, 1)}, found {tuple(gradient.shape)}")
        flat = gradient.view(-1).split([math.prod(shape) for shape in self._shapes.values()])
        parts = [part.view(tuple(shape)) for part, shape in zip(flat, self._shapes.values(), strict=True)]
        return dict(zip(self.shapes, parts, strict=True)) if isinstance(self.shapes, Mapping) else parts

    def join(self, tensors: Tensors) -> Tensor:
        """The inverse: tensors of these names and shapes as one (K, 1)."""
        named = dict(tensors) if isinstance(tensors, Mapping) else {str(i): x for i, x in enumerate(tensors)}
        if isinstance(tensors, Mapping) != isinstance(self.shapes, Mapping) or named.keys() != self._shapes.keys():
            raise ValueError(f"the result must hold tensors {list(self._shapes)}, found {list(named)}")
        for name, shape in self._shapes.items():
            if named[name].shape != tuple(shape):
                found = tuple(named[name].shape)
                raise ValueError(f"tensor {name} of the result must be of shape {tuple(shape)}, found {found}")
        return torch.cat([named[name].reshape(-1) for name in self._shapes]).unsqueeze(1)

    @property
    def _shapes(self) -> dict[str, Shape]:
        if isinstance(self.shapes, Mapping):
            return dict(self.shapes)
        return {str(i): shape for i, shape in enumerate(self.shapes)}


def several_tensors(function: Callable[..., Tensors], shapes: Mapping[str, Shape] | Sequence[Shape]) -> SeveralTensors:
    """An estimator of one gradient (K, 1) from one of several tensors; see `SeveralTensors`.

    >>> estimate = several_tensors(lambda tensors, *, generator: tensors, [(2, 2), (3,)])
    >>> estimate.units
    7
    """
    return SeveralTensors(function, shapes)


@dataclass(frozen=True)
class DesignEstimator:
    """C(g)_j = M_j g_j: units drawn by a design, with sizes by importance, and weighted.

    Takes gradients (..., K, d): one batched draw for all rows. importance: from the norms |g_j| to sizes. keep: an
    integer is a count k >= 1, any other number a fraction rho in (0, 1], k = ceil(rho K).
    """

    design: Design
    weighting: Weighting
    importance: Importance
    keep: float

    batched: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if isinstance(self.keep, int) and self.keep < 1:
            raise ValueError(f"a count to keep must be at least 1, found keep={self.keep}")
        if not isinstance(self.keep, int) and not 0 < self.keep <= 1:
            raise ValueError(f"a fraction to keep must be in (0, 1], found keep={self.keep}")

    @property
    def __name__(self) -> str:
        return f"{self.design!r} with {type(self.weighting).__name__}"

    def count(self, units: int) -> int:
        """k, for K units."""
        if isinstance(self.keep, int):
            return min(self.keep, units)
        return min(max(math.ceil(self.keep * units - 1e-6), 1), units)  # 0.07 * 100 is above 7 in floating point

    def draw(self, gradient: Tensor, *, generator: torch.Generator) -> Draw:
        """The draw behind one call."""
        return self.design.sample(self.sizes(gradient), self.count(gradient.shape[-2]), generator=generator)

    def sizes(self, gradient: Tensor) -> Tensor:
        """The sizes that the design draws by: float64 (..., K)."""
        values = gradient.detach().to(torch.float64)
        largest = values.abs().amax(-1, keepdim=True)
        scaled = values / largest.masked_fill(largest == 0, 1.0)  # squares of tiny and huge entries are no numbers
        return self.importance(torch.linalg.vector_norm(scaled, dim=-1) * largest.squeeze(-1))

    def __call__(self, gradient: Tensor, *, generator: torch.Generator) -> Tensor:
        """One draw of C(g) for every row, in the type of the gradient."""
        multipliers = self.weighting(self.draw(gradient, generator=generator))
        return (gradient * multipliers.unsqueeze(-1)).to(gradient.dtype)


def from_design(
    design: Design,
    weighting: Weighting | None = None,
    importance: Importance | None = None,
    keep: float = 0.5,
) -> DesignEstimator:
    """An estimator from a design of this package; by default Horvitz-Thompson weights and sizes by squared norm.

    >>> from amss_min.designs import Systematic
    >>> estimate = from_design(Systematic(), keep=2)
    >>> estimate(torch.ones(4, 1), generator=torch.Generator().manual_seed(0)).sum()
    tensor(4.)
    >>> estimate.batched
    True

    Raises ValueError for a count below 1 or a fraction outside (0, 1].
    """
    return DesignEstimator(design, weighting or HorvitzThompson(), importance or SquaredGradient(), keep)


def _word(generator: torch.Generator) -> int:
    return int(torch.randint(WORD, (), generator=generator, device=generator.device))


def _tensor(result: Any, like: Tensor) -> Tensor:
    return torch.from_numpy(np.array(result)).to(like.device)  # a copy: arrays of JAX are read-only


def _as(function: Callable[..., Any], estimate: Estimate) -> Estimate:
    """The estimate under the name and with the declarations of the function that it adapts."""
    vars(estimate).update({name: getattr(function, name) for name in _DECLARED if hasattr(function, name)})
    estimate.__name__ = _name(function)
    return estimate


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
