"""AMSS and AMSS+: what happens to the gradient between backward() and step()."""

import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from amss_min.designs import Design, Draw, Successive, Systematic
from amss_min.importance import Importance, SquaredGradient
from amss_min.modalities import Part
from amss_min.plan import Batch, Block, batches, blocks_of, close_names
from amss_min.released import Released
from amss_min.report import Group, Report
from amss_min.settings import Keep, checked_keep, refuse_contradictions, refuse_other_types, refuse_sizes
from amss_min.significance import MutualInformationRate, Observation
from amss_min.weightings import HorvitzThompson, Indicator, ShiftedInverse, Weighting

_MOST_PLANS = 16


class AMSS:
    """Masks the gradient of every modality to a sampled subnetwork: w <- w - lr (m * g), m the 0/1 mask.

    In every masked tensor k = ceil(rho n) of its n units are drawn by `design` with sizes by `importance`,
    and the gradient is multiplied by `weighting`, in place. The forward pass stays the full network.

    modalities: name -> module, parameters, or units (amss_min.modalities).
    keep: the fraction rho in (0, 1]: one number, name -> number, or MutualInformationRate (which needs
    `observe` before every step).
    generator: drawn from once a step and size of tensor; by default a new one on the parameters' device,
    seeded from torch.initial_seed() and the names of the tensors.
    released: True or a `Released` reproduces the released code's departures.

    What is left as it is: parameters without a gradient (grad is None) and frozen ones; units whose gradient
    is zero, or so small that their energy is (norms below about 1e-22 in float32, 1e-162 in float64), so that
    an all-zero gradient changes nothing; and any draw with NaN, inf or an energy that overflows, which is
    reported in `report.nonfinite`, for a GradScaler or a guard to act on. Where fewer units than k have a
    gradient, all of those are kept. With k = n, a single unit or a 0-d parameter the gradient is unchanged bit
    for bit. A parameter tied inside a modality is one set of units. Half-precision gradients are measured and
    weighted in float32 and rounded once; in float16 a weighted gradient may overflow to inf, as any product may.

    Raises ValueError for an empty modality, a parameter in two modalities, a keep outside (0, 1], a name
    that is not a modality, a tensor of more than 2^20 units under a design in fixed point, or a combination
    that cannot do what it says; TypeError for arguments of another kind. Cost of a step: one pass over the
    gradients for norms, one in-place scale, and one batched draw for every distinct n; it never waits for
    the device.

    Source: arXiv 2404.08347; formulas reconstructed from its released code.

    >>> net = torch.nn.ModuleDict({"audio": torch.nn.Linear(4, 8), "video": torch.nn.Linear(4, 8)})
    >>> amss = AMSSPlus(net, keep={"audio": 0.25, "video": 1.0}, generator=torch.Generator().manual_seed(0))
    >>> for parameter in net.parameters():
    ...     parameter.grad = torch.ones_like(parameter)
    >>> amss.mask_gradients().keep
    {'audio': 0.25, 'video': 1.0}
    >>> net["audio"].weight.grad[:, 0].sort().values  # two of eight rows, each weighted by 8/2
    tensor([0., 0., 0., 0., 0., 0., 4., 4.])
    """

    _plus = False

    def __init__(
        self,
        modalities: Mapping[str, Part | Iterable[Part]] | nn.ModuleDict,
        *,
        keep: Keep,
        importance: Importance | None = None,
        design: Design | None = None,
        weighting: Weighting | None = None,
        generator: torch.Generator | None = None,
        released: bool | Released | None = None,
    ) -> None:
        refuse_other_types(importance, design, weighting, released)
        self.released = Released() if released is True else released or None
        self.importance = importance or self._default_importance()
        self.design = design or self._default_design()
        self.weighting = weighting or self._default_weighting()
        refuse_contradictions(self.design, self.weighting, self.released, unbiased=self._plus)
        self.blocks = blocks_of(modalities)
        self.modalities = tuple(name for name in modalities)
        self.keep = checked_keep(keep, self.modalities, self.released)
        refuse_sizes(self.blocks, self.keep, self.design, self.weighting)
        fixed = {} if isinstance(self.keep, MutualInformationRate) else self.keep
        self._constant = torch.tensor(list(fixed.values()), dtype=torch.float64)
        self.generator = generator or self._default_generator()
        self.report: Report | None = None
        self._hooks: dict[int, tuple[Optimizer, RemovableHandle]] = {}  # by position, in the order of attaching
        self._observed: Observation | None = None
        self._used_by: set[int] = set()  # positions of the optimizers that stepped since the last observation
        self._positions = itertools.count()
        self._batches: dict[tuple[int, ...], list[Batch]] = {}

    @property
    def attached(self) -> list[Optimizer]:
        """The optimizers whose steps mask."""
        return [optimizer for optimizer, _ in self._hooks.values()]

    def attach(self, optimizer: Optimizer) -> None:
        """Mask in a pre-hook of optimizer.step(): after unscaling, clipping and all-reduce, before the update.

        The hook masks the parameters that this optimizer holds; several optimizers may be attached, each with
        its own.
        Raises ValueError for an optimizer that is attached already or holds no masked parameter. A step with
        a closure raises RuntimeError: the hook would run before the closure's backward pass.
        """
        if any(optimizer is other for other in self.attached):
            raise ValueError("an optimizer is attached once, or its gradients would be masked twice; found it attached")
        if not self._held_by(optimizer):
            raise ValueError("the optimizer must hold a masked parameter, found none: is it another model's?")
        position = next(self._positions)

        def before_step(stepping: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if kwargs.get("closure") is not None or any(argument is not None for argument in args[1:]):
                raise RuntimeError(
                    "step(closure) cannot be masked: the hook runs before the closure's backward pass. "
                    "Call backward() first, then step() without a closure"
                )
            self._mask(self._held_by(stepping), position)

        self._hooks[position] = (optimizer, optimizer.register_step_pre_hook(before_step))

    def _held_by(self, optimizer: Optimizer) -> list[Block]:
        held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        return [block for block in self.blocks if id(block.units.parameter) in held]

    def detach(self, optimizer: Optimizer) -> None:
        """End the masking of this optimizer's steps; ValueError where it is not attached."""
        for position, (other, handle) in self._hooks.items():
            if other is optimizer:
                handle.remove()
                del self._hooks[position]
                return
        raise ValueError("detach takes an attached optimizer, found one that is not")

    def observe(self, *, logits: Mapping[str, Tensor], features: Mapping[str, Tensor], target: Tensor) -> None:
        """Take note of a batch, from which the keep fractions of the next step are computed.

        logits: name -> uni-modal logits (B, C). features: name -> features (B, D_m). target: (B,) classes.
        Several calls before a step (gradient accumulation) are pooled; so are those of a step that a GradScaler
        left out with those of the next, unless the optimizer is fused (which is stepped all the same). A batch
        whose logits or features are not finite counts for nothing; where no other was observed, the next step
        keeps the ceiling of every modality. Without MutualInformationRate it does nothing. Raises ValueError for
        a missing or mistyped modality.
        """
        if not isinstance(self.keep, MutualInformationRate):
            return
        for what, found in (("logits", logits), ("features", features)):
            if not isinstance(found, Mapping):
                raise TypeError(f"observe: {what} must map every modality to a tensor, found {type(found).__name__}")
            close_names(f"observe: {what}", found, self.modalities)
        with torch.no_grad():
            seen = self.keep.observation(
                [logits[name] for name in self.modalities], [features[name] for name in self.modalities], target
            )
        fresh = self._observed is None or bool(self._used_by)
        self._observed = seen if fresh or self._observed is None else self._observed + seen
        self._used_by = set()

    def mask_gradients(self) -> Report:
        """Mask all gradients now, by hand; returns the report. RuntimeError where an optimizer is attached."""
        if self.attached:
            raise RuntimeError("mask_gradients() by hand would mask twice: an optimizer is attached, whose step masks")
        return self._mask(self.blocks, position=-1)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on: the generator, and what was observed since the last step."""
        observed = None if self._observed is None else dict(vars(self._observed))
        return {
            "modalities": list(self.modalities),
            "generator": self.generator.get_state(),
            "observed": observed,
            "used_by": sorted(self._used_by),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume exactly where the state was taken, whatever device it was loaded to.

        Raises ValueError where it belongs to other modalities, or is no state of AMSS.
        """
        missing = {"modalities", "generator", "observed", "used_by"} - set(state)
        if missing:
            raise ValueError(f"the state must be one that state_dict() gave, found no {sorted(missing)} in it")
        if list(state["modalities"]) != list(self.modalities):
            raise ValueError(f"the state must be of modalities {self.modalities}, found {state['modalities']}")
        device = self.blocks[0].units.parameter.device
        self.generator.set_state(state["generator"].cpu())
        observed = state["observed"]
        self._observed = observed and Observation(**{name: value.to(device) for name, value in observed.items()})
        self._used_by = set(state["used_by"])

    def keep_fractions(self, position: int = -1) -> Tensor:
        """The keep fractions of this step, (M,) float64; RuntimeError if observe was forgotten."""
        if isinstance(self.keep, MutualInformationRate):
            if self._observed is None or position in self._used_by:
                raise RuntimeError(
                    "keep is computed from the batch: call observe(logits=..., features=..., target=...) before every "
                    "step, found no observation since the last one"
                )
            return self.keep.fractions(self._observed)
        return self._constant

    @torch.inference_mode()  # cheaper than no_grad by about a tenth of a step of small operations
    def _mask(self, blocks: Sequence[Block], position: int) -> Report:
        rho = self.keep_fractions(position)
        active = [block for block in blocks if block.active]
        key = tuple(id(block) for block in active)
        if key not in self._batches:
            if len(self._batches) == _MOST_PLANS:  # gradients that come and go at random would pile up
                self._batches.clear()
            self._batches[key] = batches(active)
        # Norms of everything, draws of everything, scales of everything: the many small operations of the
        # draws then find their code and data in the cache, which either sweep over the gradients clears.
        measured = [batch.norms() for batch in self._batches[key]]
        done = [self._drawn(batch, norms, rho) for batch, norms in zip(self._batches[key], measured, strict=True)]
        for group in done:
            self._scale(group)
        self._used_by.add(position)
        self.report = Report(self.modalities, rho, done, as_released=self.released is not None)
        return self.report

    def _drawn(self, batch: Batch, norms: Tensor, rho: Tensor) -> Group:
        """Draw for all tensors with the same number of units together."""
        finite = norms.sum(-1) < torch.inf  # false for NaN too
        norms = norms.masked_fill_(~finite.unsqueeze(-1), 0.0)
        draw = self.design.sample(self.importance(norms), batch.counts(rho), generator=self.generator)
        # Units that take no part in a draw keep weight 1: a zero gradient, one whose square underflows, or NaN.
        masked = norms > 0
        weights = self.weighting(draw)
        if self.released is not None:
            weights = self._released_heads(batch, draw, weights)
        multipliers = weights.masked_fill_(~masked, 1.0)
        return Group(batch, norms, draw, finite, masked, multipliers, self.weighting)

    def _scale(self, group: Group) -> None:
        # Half-precision gradients are multiplied in float32 and rounded once.
        dtypes = [torch.promote_types(block.units.parameter.dtype, torch.float32) for block in group.batch.blocks]
        parts = {dtype: group.multipliers.to(dtype).split(group.batch.draws) for dtype in set(dtypes)}
        for index, (block, dtype) in enumerate(zip(group.batch.blocks, dtypes, strict=True)):
            block.units.scale(block.gradient, parts[dtype][index])

    def _released_heads(self, batch: Batch, draw: Draw, weights: Tensor) -> Tensor:
        """The multipliers with the released ones on a head's own columns: 1 (R3), or 1/(index + 1/n) (R4)."""
        released = self.released or Released()
        result = weights.clone()
        for block, part, drawn in zip(
            batch.blocks, result.split(batch.draws), draw.drawn.split(batch.draws), strict=True
        ):
            if block.is_head and released.head_unmasked:
                part.fill_(1.0)
            elif block.is_head and released.index_weight and self._plus:
                indices = torch.arange(batch.n, dtype=part.dtype, device=part.device)
                part.copy_(drawn / (indices + 1.0 / batch.n))
        return result

    def _default_generator(self) -> torch.Generator:
        # Seeded with the global seed itself it would repeat the global stream, and the masks would depend on
        # whatever noise the model draws from it.
        words = f"amss_min {torch.initial_seed()} {' '.join(block.name for block in self.blocks)}"
        seed = int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8).digest(), "big") >> 1
        return torch.Generator(self.blocks[0].units.parameter.device).manual_seed(seed)

    def _default_importance(self) -> Importance:
        return SquaredGradient()

    def _default_design(self) -> Design:
        return Successive()

    def _default_weighting(self) -> Weighting:
        return Indicator()


class AMSSPlus(AMSS):
    """AMSS with an unbiased masked gradient: E[m * g | g] = g, whatever the keep fractions.

    The same class with other defaults: energies mixed half with uniform (so that weights are at most 2n/k),
    systematic sampling in random order, and Horvitz-Thompson weights. It refuses combinations that are
    biased. With `released` it does what the released AMSS+ does: successive sampling and ShiftedInverse.

    Unbiased up to the rounding of the weight and of the product to the gradient's dtype.
    """

    _plus = True

    def _default_importance(self) -> Importance:
        return SquaredGradient(mix=0.0 if self._shifted else 0.5)

    def _default_design(self) -> Design:
        return Successive() if self._shifted else Systematic()

    def _default_weighting(self) -> Weighting:
        return ShiftedInverse(self.released.shift) if self.released and self._shifted else HorvitzThompson()

    @property
    def _shifted(self) -> bool:
        return self.released is not None and self.released.shifted_inverse


__all__ = ["AMSS", "AMSSPlus", "Keep"]
