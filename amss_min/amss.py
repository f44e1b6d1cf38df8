"""AMSS and AMSS+: what happens to the gradient between backward() and step()."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from amss_min.designs import Design, Successive, Systematic
from amss_min.importance import Importance, SquaredGradient
from amss_min.modalities import Part
from amss_min.plan import Batch, Block, batches, blocks_of, close_names
from amss_min.released import Released
from amss_min.report import Group, Report
from amss_min.significance import MutualInformationRate, Observation
from amss_min.weightings import HorvitzThompson, Indicator, RankConditioned, ShiftedInverse, Weighting

Keep = float | Mapping[str, float] | MutualInformationRate


class AMSS:
    """Masks the gradient of every modality to a sampled subnetwork: w <- w - lr (m * g), m the 0/1 mask.

    In every masked tensor k = ceil(rho n) of its n units are drawn by `design` with sizes by `importance`,
    and the gradient is multiplied by `weighting`, in place. The forward pass stays the full network.

    modalities: name -> module, parameters, or units (amss_min.modalities).
    keep: the fraction rho in (0, 1]: one number, name -> number, or MutualInformationRate (which needs
    `observe` before every step).
    generator: drawn from once a step and size of tensor; by default a new one on the parameters' device,
    seeded with torch.initial_seed().
    released: True or a `Released` reproduces the released code's departures.

    What is left as it is: an all-zero gradient, units with a zero gradient, parameters without a gradient
    (grad is None, frozen), and any draw whose gradient holds NaN or inf (reported in `report.nonfinite`, for
    a GradScaler or a guard to act on). With k = n the gradient is unchanged bit for bit.

    Raises ValueError for an empty modality, a parameter in two modalities, a keep outside (0, 1], a name
    that is not a modality, or a combination that cannot do what it says. Cost of a step: one pass over the
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
        self.released = Released() if released is True else released or None
        self.importance = importance or self._default_importance()
        self.design = design or self._default_design()
        self.weighting = weighting or self._default_weighting()
        self.modalities = tuple(modalities)
        self.blocks = blocks_of(modalities)
        self.keep = self._checked_keep(keep)
        self._refuse_contradictions()
        device = self.blocks[0].units.parameter.device
        self.generator = generator or torch.Generator(device).manual_seed(torch.initial_seed())
        self.report: Report | None = None
        self._hooks: dict[int, tuple[Optimizer, RemovableHandle]] = {}  # by position, in the order of attaching
        self._observed: Observation | None = None
        self._used_by: set[int] = set()  # positions of the optimizers that stepped since the last observation
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
        held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        mine = [block for block in self.blocks if id(block.units.parameter) in held]
        if any(optimizer is other for other in self.attached):
            raise ValueError("an optimizer is attached once, or its gradients would be masked twice; found it attached")
        if not mine:
            raise ValueError("the optimizer must hold a masked parameter, found none: is it another model's?")
        position = max(self._hooks, default=-1) + 1

        def before_step(_: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if kwargs.get("closure") is not None or any(argument is not None for argument in args[1:]):
                raise RuntimeError(
                    "step(closure) cannot be masked: the hook runs before the closure's backward pass. "
                    "Call backward() first, then step() without a closure"
                )
            self._mask(mine, position)

        self._hooks[position] = (optimizer, optimizer.register_step_pre_hook(before_step))

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
        Several calls before a step (gradient accumulation) are pooled, those of a step that is not taken (a
        GradScaler that met inf) with those of the next. Without MutualInformationRate it does nothing. Raises
        ValueError for a missing or mistyped modality.
        """
        if not isinstance(self.keep, MutualInformationRate):
            return
        for what, found in (("logits", logits), ("features", features)):
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
        """Resume exactly where the state was taken. ValueError where it belongs to other modalities."""
        if list(state.get("modalities", ())) != list(self.modalities):
            raise ValueError(f"the state must be of modalities {self.modalities}, found {state.get('modalities')}")
        self.generator.set_state(state["generator"])
        self._observed = None if state["observed"] is None else Observation(**state["observed"])
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
        return torch.tensor([self.keep[name] for name in self.modalities], dtype=torch.float64)

    @torch.no_grad()
    def _mask(self, blocks: Sequence[Block], position: int) -> Report:
        rho = self.keep_fractions(position)
        active = [block for block in blocks if block.units.parameter.grad is not None]
        key = tuple(id(block) for block in active)
        if key not in self._batches:
            self._batches[key] = batches(active)
        # Norms of everything, draws of everything, scales of everything: the many small operations of the
        # draws then find their code and data in the cache, which either sweep over the gradients clears.
        measured = [batch.norms() for batch in self._batches[key]]
        done = [self._drawn(batch, norms, rho) for batch, norms in zip(self._batches[key], measured, strict=True)]
        for group in done:
            self._scale(group)
        self._used_by.add(position)
        self.report = Report(self.modalities, rho, self.weighting, done)
        return self.report

    def _drawn(self, batch: Batch, norms: Tensor, rho: Tensor) -> Group:
        """Draw for all tensors with the same number of units together."""
        finite = norms.sum(-1) < torch.inf  # false for NaN too
        norms = norms.masked_fill_(~finite.unsqueeze(-1), 0.0)
        draw = self.design.sample(self.importance(norms), batch.counts(rho), generator=self.generator)
        # Units that take no part in a draw keep weight 1: a zero gradient, one whose square underflows, or NaN.
        masked = norms > 0
        multipliers = self.weighting(draw).masked_fill_(~masked, 1.0)
        return Group(batch, norms, draw, finite, masked, multipliers)

    def _scale(self, group: Group) -> None:
        # Half-precision gradients are multiplied in float32 and rounded once.
        dtypes = [torch.promote_types(block.units.parameter.dtype, torch.float32) for block in group.batch.blocks]
        parts = {dtype: group.multipliers.to(dtype).split(group.batch.draws) for dtype in set(dtypes)}
        for index, (block, dtype) in enumerate(zip(group.batch.blocks, dtypes, strict=True)):
            part = parts[dtype][index]
            if self.released is not None and block.is_head:
                if self.released.head_unmasked:
                    continue
                part = self._head_weights(part)
            block.units.scale(block.gradient, part)

    def _head_weights(self, multipliers: Tensor) -> Tensor:
        """The released weight of a head, 1/(index + 1/n) on the drawn weights (R4)."""
        if self.released is None or not self.released.index_weight or not self._plus:
            return multipliers
        n = multipliers.shape[-1]
        indices = torch.arange(n, dtype=multipliers.dtype, device=multipliers.device)
        return torch.where(multipliers > 0, 1.0 / (indices + 1.0 / n), 0.0)

    def _default_importance(self) -> Importance:
        return SquaredGradient()

    def _default_design(self) -> Design:
        return Successive()

    def _default_weighting(self) -> Weighting:
        return Indicator()

    def _checked_keep(self, keep: Keep) -> dict[str, float] | MutualInformationRate:
        if isinstance(keep, MutualInformationRate):
            if self.released is None:
                return keep
            if self.released.swapped_ratio and len(self.modalities) > 2:
                raise ValueError(f"the released swap is of a pair of modalities, found {len(self.modalities)}")
            return replace(keep, swapped=self.released.swapped_ratio, released_entropy=self.released.released_entropy)
        named = dict(keep) if isinstance(keep, Mapping) else dict.fromkeys(self.modalities, keep)
        close_names("keep", named, self.modalities)
        for name, fraction in named.items():
            if not isinstance(fraction, int | float) or not 0 < fraction <= 1:
                raise ValueError(f"keep must be in (0, 1], found keep={fraction!r} for modality {name!r}")
        return {name: float(named[name]) for name in self.modalities}

    def _refuse_contradictions(self) -> None:
        if isinstance(self.weighting, ShiftedInverse) and self.released is None:
            raise ValueError("ShiftedInverse is the released weight, which is biased: it needs released=True")
        if self._plus and not self.weighting.unbiased and self.released is None:
            raise ValueError(f"AMSSPlus must be unbiased, found {self.weighting}: use AMSS, or HorvitzThompson()")
        if isinstance(self.weighting, HorvitzThompson) and not self.design.positive:
            raise ValueError(
                f"HorvitzThompson needs a positive inclusion probability for every unit, found {self.design}, "
                "which leaves some units out for certain"
            )
        if isinstance(self.weighting, RankConditioned):
            if not isinstance(self.design, Successive):
                raise ValueError(f"RankConditioned needs the clocks of Successive sampling, found {self.design}")
            self._refuse_single_draws()

    def _refuse_single_draws(self) -> None:
        if isinstance(self.keep, MutualInformationRate):
            least = {name: self.keep.floor if len(self.modalities) > 1 else 1.0 for name in self.modalities}
        else:
            least = self.keep
        rho = torch.tensor([least[name] for name in self.modalities], dtype=torch.float64)
        for block in self.blocks:
            n = block.units.n
            if n > 1 and int(Batch([block]).counts(rho)[0]) == 1:
                raise ValueError(
                    f"RankConditioned needs k >= 2 or k = n, found k=1 of n={n} in {block.name!r} at "
                    f"keep={least[block.modality]}: its second moment is infinite there"
                )


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
