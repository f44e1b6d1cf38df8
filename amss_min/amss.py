"""AMSS and AMSS+: what happens to the gradient between backward() and step()."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from amss_min.bundles import Bundle, Plans, may_be_padded
from amss_min.designs import Design, Draw, Successive, Systematic
from amss_min.distributed import Group as ProcessGroup
from amss_min.distributed import Ranks, refuse_sharded
from amss_min.fractions import Fractions
from amss_min.importance import Importance, SquaredGradient
from amss_min.loops import LateChanges, unwrapped
from amss_min.modalities import Part
from amss_min.plan import Batch, blocks_of, scale
from amss_min.released import Released
from amss_min.report import Group, Report
from amss_min.schedule import Progress, Schedule, checked_schedule
from amss_min.settings import (
    Keep,
    checked_keep,
    default_generator,
    refuse_closure,
    refuse_contradictions,
    refuse_other_types,
    refuse_sizes,
)
from amss_min.state import refuse_other_state
from amss_min.updates import Copies, Masks, checked_masks
from amss_min.weightings import HorvitzThompson, Indicator, ShiftedInverse, Weighting

Norms = Callable[[Batch], Tensor]


class AMSS:
    """Masks the gradient of every modality to a sampled subnetwork: w <- w - lr (m * g), m the 0/1 mask.

    In every masked tensor k = ceil(rho n) of its n units are drawn by `design` with sizes by `importance`,
    and the gradient is multiplied by `weighting`, in place. The forward pass stays the full network.

    modalities: name -> module, parameters, or units (amss_min.modalities).
    keep: the fraction rho in (0, 1]: one number, name -> number, or MutualInformationRate (which needs
    `observe` before every step).
    generator: drawn from once a step for tensors of similar size; by default a new one on the parameters' device,
    seeded from torch.initial_seed() and the names of the tensors.
    released: True or a `Released` reproduces the released code's departures.
    masks: what m multiplies (docs/masks.md). "gradient": g, before weight decay, momentum or Adam. "update": the
    optimizer's update u = w_after - w_before, decay and momentum included, with sizes of u; AMSSPlus is unbiased for u.
    "freeze" (AMSS alone): units that are not drawn, with sizes of g, keep every bit; the others move by u. In the last
    two the optimizer's state advances as without a mask, and a step copies the masked parameters.
    process_group: the ranks that mask alike, where torch.distributed is initialised: None for all of them, or a group,
    or False where every rank trains on its own. The first step gives all of them the generator state of the first
    rank; observations are pooled over them (docs/loops.md).
    schedule: which steps are masked, and which of them draw anew (amss_min.schedule); by default every step.

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
    gradients for norms, one in-place scale, and one batched draw for all tensors of about the same n; it never
    waits for the device.

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
        masks: Masks = "gradient",
        schedule: Schedule | None = None,
        process_group: ProcessGroup = None,
    ) -> None:
        refuse_other_types(importance, design, weighting, released)
        self.released = Released() if released is True else released or None
        self.importance = importance or self._default_importance()
        self.design = design or self._default_design()
        self.weighting = weighting or self._default_weighting()
        refuse_contradictions(self.design, self.weighting, self.released, unbiased=self._plus)
        self.masks = checked_masks(masks, self.weighting, self.released, unbiased=self._plus)
        self.schedule = checked_schedule(schedule, unbiased=self._plus)
        self.blocks = blocks_of(modalities)
        refuse_sharded(self.blocks, self.masks)
        self.modalities = tuple(name for name in modalities)
        self.keep = checked_keep(keep, self.modalities, self.released)
        refuse_sizes(self.blocks, self.keep, self.design, self.weighting)
        self._fractions = Fractions(self.keep, self.modalities)
        self.generator = generator or default_generator(self.blocks)
        self.report: Report | None = None
        self._ranks = Ranks(process_group)
        self._late_changes = LateChanges()
        self._hooks: dict[int, tuple[Optimizer, list[RemovableHandle]]] = {}  # by position, in the order of attaching
        self._positions = itertools.count()
        padded = may_be_padded(self.importance, self.design, self.weighting) and self.released is None
        self.plans = Plans(self.blocks, padded=padded)
        self._progress: dict[int, Progress] = {}  # by position
        self._waiting: dict[int, Callable[[], None]] = {}  # what is left to do after the update, by position

    @property
    def attached(self) -> list[Optimizer]:
        """The optimizers whose steps mask."""
        return [optimizer for optimizer, _ in self._hooks.values()]

    def attach(self, optimizer: Optimizer) -> None:
        """Mask in a pre-hook of optimizer.step(): after unscaling, clipping and all-reduce, before the update.

        It masks the parameters that this optimizer holds; several optimizers may be attached, each with its own.
        Raises ValueError for an optimizer that is attached already or holds no masked parameter. A step with
        a closure raises RuntimeError: the hook would run before the closure's backward pass.
        """
        optimizer = unwrapped(optimizer)
        if any(optimizer is other for other in self.attached):
            raise ValueError("an optimizer is attached once, or its gradients would be masked twice; found it attached")
        if not self._held_by(optimizer):
            raise ValueError("the optimizer must hold a masked parameter, found none: is it another model's?")
        position = next(self._positions)

        def before_step(stepping: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            refuse_closure(args[1:], kwargs)
            self._mask(self._held_by(stepping), position)

        def after_step(stepping: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            with torch.inference_mode():
                self._waiting.pop(position)()

        # Where the step is compiled, the masks are drawn outside of its graph: a generator cannot be traced.
        handles = [optimizer.register_step_pre_hook(torch.compiler.disable(before_step))]
        if self.masks != "gradient":
            handles.append(optimizer.register_step_post_hook(torch.compiler.disable(after_step)))
        self._hooks[position] = (optimizer, handles)

    def _held_by(self, optimizer: Optimizer) -> list[int]:
        return self.plans.held(parameter for group in optimizer.param_groups for parameter in group["params"])

    def detach(self, optimizer: Optimizer) -> None:
        """End the masking of this optimizer's steps; ValueError where it is not attached."""
        for position, (other, handles) in self._hooks.items():
            if other is unwrapped(optimizer):
                for handle in handles:
                    handle.remove()
                del self._hooks[position]
                return
        raise ValueError("detach takes an attached optimizer, found one that is not")

    def observe(self, *, logits: Mapping[str, Tensor], features: Mapping[str, Tensor], target: Tensor) -> None:
        """Take note of a batch, from which the keep fractions of the next step are computed.

        logits: name -> uni-modal logits (B, outputs). features: name -> features (B, D_m). target: (B,) classes,
        (B, L) bool labels with logits (B, L), or floating (B,) or (B, K) quantities that logits (B, K) predict.
        Several calls before a step (gradient accumulation) are pooled; so are those of a step that a GradScaler
        left out with those of the next, unless the optimizer is fused (which is stepped all the same). A batch
        whose logits or features are not finite counts for nothing; where no other was observed, the next step
        keeps the ceiling of every modality (with smoothing: what the step before kept). Without
        MutualInformationRate it does nothing. Raises ValueError for a missing or mistyped modality, or a target that
        is none of these; TypeError for targets of two kinds before one step.
        """
        self._fractions.observe(logits, features, target)

    def keep_for(self, *, logits: Mapping[str, Tensor], features: Mapping[str, Tensor], target: Tensor) -> Tensor:
        """The keep fractions (M,) float64 of a step now with only this batch observed; it takes note of nothing.

        Arguments and errors as for `observe`; with fixed fractions they are returned, whatever the batch. Where
        fractions are smoothed, the past is what the last step kept.
        """
        return self._fractions.of(logits, features, target)

    def mask_gradients(self) -> Report:
        """Mask all gradients now, by hand; returns the report. RuntimeError where an optimizer is attached."""
        if self.attached:
            raise RuntimeError("mask_gradients() by hand would mask twice: an optimizer is attached, whose step masks")
        if self.masks != "gradient":
            raise RuntimeError(f"mask_gradients() masks the gradient, found masks={self.masks!r}: attach the optimizer")
        self._mask(range(len(self.blocks)), position=-1)
        if self.weighting.unbiased:
            self._late_changes.watch(self.plans.parameters)
        assert self.report is not None
        return self.report

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on: the generator, what was observed, and where every optimizer stands.

        Tensors, numbers, strings and lists of them: torch.load(..., weights_only=True) reads it.
        """
        return {
            "modalities": list(self.modalities),
            "generator": self.generator.get_state(),
            "device": self.generator.device.type,
            **self._fractions.state(),
            "progress": {position: progress.state() for position, progress in self._progress.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume exactly where the state was taken, whatever device it was loaded to.

        Optimizers must be attached in the same order, before or after. Raises ValueError where the state belongs to
        other modalities or units, to a generator of another kind of device, or is no state of AMSS.
        """
        refuse_other_state(state, self.modalities, self.generator.device.type)
        progress = state.get("progress", {})  # a state taken before there were schedules has none
        self._progress = {position: Progress.from_state(one, self.blocks) for position, one in progress.items()}
        self._fractions.load(state, self.blocks[0].units.parameter.device)
        self.generator.set_state(state["generator"].cpu())
        self._ranks.forget()

    def keep_fractions(self, position: int = -1) -> Tensor:
        """The keep fractions of this step, (M,) float64; RuntimeError if observe was forgotten."""
        return self._fractions(position)

    @torch.inference_mode()  # cheaper than no_grad by about a tenth of a step of small operations
    def _mask(self, held: Iterable[int], position: int) -> None:
        """Before the update of the blocks at these places: scale gradients, or copy weights, to be masked after it."""
        self._ranks.agree(self.generator, self.blocks[0].units.parameter.device)
        self._fractions.pool(self._ranks)
        places = self.plans.active(held)
        progress = self._progress.setdefault(position, Progress())
        masked = self.schedule.masks(progress.steps)
        rho = self.keep_fractions(position) if masked and progress.due(self.schedule, places) else None
        plan = self.plans(places) if masked else []
        drawn = partial(self._multipliers, plan, rho, places, position)
        if self.masks == "gradient":
            return scale(drawn(Batch.norms))
        active = [self.blocks[place] for place in places if masked]
        if self.masks == "update":
            copies = Copies(active)
            self._waiting[position] = lambda: copies.mask(drawn(copies.norms))
        else:
            self._waiting[position] = partial(Copies(active).restore, drawn(Batch.norms))

    def _multipliers(
        self, plan: list[Bundle], rho: Tensor | None, places: tuple[int, ...], position: int, norms: Norms
    ) -> list[tuple[Batch, Tensor]]:
        """One step's multipliers, drawn with keep fractions rho; where it is None, those kept from the last draw."""
        progress = self._progress[position]
        batches = [batch for bundle in plan for batch in bundle.batches]
        if rho is None:
            drawn, self.report = progress.recalled(batches, self.modalities)
        else:
            # Norms of everything, draws of everything, scales of everything: the many small operations of the
            # draws then find their code and data in the cache, which either sweep over the gradients clears.
            measured = [[norms(batch) for batch in bundle.batches] for bundle in plan]
            done = [self._drawn(bundle, norms, rho) for bundle, norms in zip(plan, measured, strict=True)]
            drawn = [part for group, multipliers in done for part in group.bundle.split(multipliers)]
            groups = [group for group, _ in done]
            self.report = Report(self.modalities, rho, groups, as_released=self.released is not None)
            if self.schedule.every > 1:
                progress.keep(places, drawn, rho, self.report)
        progress.steps += 1
        self._fractions.use(position)
        return list(zip(batches, drawn, strict=True))

    def _drawn(self, bundle: Bundle, measured: Sequence[Tensor], rho: Tensor) -> tuple[Group, Tensor]:
        """Draw for all tensors of a bundle together, whose norms were measured batch by batch; with multipliers."""
        norms = bundle.padded(measured)
        finite = norms.sum(-1) < torch.inf  # false for NaN too
        norms = norms.nan_to_num_(0.0, 0.0, 0.0).mul_(finite.unsqueeze(-1).to(norms.dtype))
        counts = bundle.counts(rho)
        draw = self.design.sample_step(self.importance(norms), counts, generator=self.generator)
        # Units that take no part in a draw keep weight 1: a zero gradient, one whose square underflows, or NaN.
        # To freeze is to leave a unit without a gradient, too, where a share of the units is asked for.
        freeze = self.masks == "freeze"
        free = ~(finite & (counts < bundle.units)).unsqueeze(-1) if freeze else norms.logical_not()
        weights, kept = self.weighting(draw), draw.drawn
        if self.released is not None:
            weights = self._released_heads(bundle.batches[0], draw, weights)
            kept = weights != 0
        return Group(bundle, norms, draw, finite, kept, self.weighting), weights.masked_fill_(free, 1.0)

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
