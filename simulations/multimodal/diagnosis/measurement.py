"""What is measured of one masked tensor, unit by unit and minibatch by minibatch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from amss_min import AMSS
from amss_min.modalities import Units
from amss_min.plan import Block
from simulations.multimodal.diagnosis.gradients import Gradients, Partition
from simulations.multimodal.diagnosis.moments import Unreachable, is_unbiased, moments


@dataclass(frozen=True)
class Measured:
    """U units over T minibatches, all float64 on the CPU; xi = g - grad F, y_u = (mu_u - mean mu_u) xi_u.

    gradient (U,): |grad F_u|^2. multiplier (T, U): mu_u = E[m_u | g], of an unbiased mask pi_u. inclusion (T, U): pi_u.
    energy (T, U): |g_u|^2. noise (T, U): |xi_u|^2. along (T, U): <xi_u, grad F_u>. omega (T,), or None where E m_u^2
    has no closed form. total (U,): |S_u|^2, S_u the sum of y_u over minibatches. cross (T, U): <S_u, y_u>.
    resolution: of the gradient's dtype. correction: see `Partition`.
    """

    gradient: Tensor
    multiplier: Tensor
    inclusion: Tensor
    energy: Tensor
    noise: Tensor
    along: Tensor
    omega: Tensor | None
    total: Tensor
    cross: Tensor
    resolution: float
    correction: float

    @property
    def centred(self) -> Tensor:
        """mu_u - mean mu_u, (T, U)."""
        return self.multiplier - self.multiplier.mean(0)

    @property
    def deviation(self) -> Tensor:
        """|y_u|^2, (T, U)."""
        return self.centred.square() * self.noise


def together(parts: Sequence[Measured]) -> Measured:
    """All units of several tensors; omega of the largest, as a bound on the step needs it."""

    def joined(name: str) -> Tensor:
        return torch.cat([getattr(part, name) for part in parts], -1)

    omegas = [part.omega for part in parts if part.omega is not None]
    return Measured(
        gradient=joined("gradient"),
        multiplier=joined("multiplier"),
        inclusion=joined("inclusion"),
        energy=joined("energy"),
        noise=joined("noise"),
        along=joined("along"),
        omega=torch.stack(omegas).amax(0) if len(omegas) == len(parts) else None,
        total=joined("total"),
        cross=joined("cross"),
        resolution=max(part.resolution for part in parts),
        correction=parts[0].correction,
    )


def named(masks: AMSS) -> dict[str, Block]:
    """The masked tensors by name; names that several tensors of a modality share are numbered from the second on."""
    found: dict[str, Block] = {}
    for block in masks.blocks:
        alike = sum(other.name == block.name for other in found.values())
        found[f"{block.name} ({alike + 1})" if alike else block.name] = block
    return found


def measured(
    masks: AMSS, gradients: Gradients, partition: Partition
) -> tuple[dict[str, Measured], dict[str, str], Tensor]:
    """Tensor -> what was measured, tensor -> why nothing was, and the keep fractions (T, M).

    Three passes over the rows: the full gradient, the minibatches against it, and the same once more for the cross
    products that standard errors need (left out where the partition is exact).
    """
    full = gradients.full(partition)
    tallies, reasons = {}, {}
    for name, block in named(masks).items():
        key = id(block.units.parameter)
        if not block.units.parameter.requires_grad:
            reasons[name] = "the parameter is frozen"
        elif key not in full:
            reasons[name] = "the loss does not depend on the parameter"
        elif not full[key].isfinite().all():
            reasons[name] = "the gradient over all rows is not finite"
        else:
            tallies[name] = _Tally(masks, block, full[key], partition.correction)
    keeps = []
    for index in partition.minibatches:
        found, keep = gradients.at(index)
        keeps.append(keep)
        for name in list(tallies):
            try:
                tallies[name].add(found, keep)
            except Unreachable as reason:
                reasons[name] = str(reason)
                del tallies[name]
    for number, index in enumerate(partition.minibatches if not partition.exact else []):
        found, _ = gradients.at(index)
        for tally in tallies.values():
            tally.cross_with(found, number)
    return {name: tally.result() for name, tally in tallies.items()}, reasons, torch.stack(keeps).cpu()


@dataclass
class _Tally:
    masks: AMSS
    block: Block
    full: Tensor
    correction: float
    rows: dict[str, list[Tensor]] = field(default_factory=dict)
    weighted: Tensor | None = None  # sum of mu xi
    plain: Tensor | None = None  # sum of xi

    def add(self, found: Mapping[int, Tensor], keep: Tensor) -> None:
        units = self.block.units
        gradient = found[id(units.parameter)]
        norms = units.norms(gradient).double()
        law = moments(self.masks, self.block, norms, keep)
        mean = law.inclusion if is_unbiased(self.masks, self.block) else law.mean
        noise = gradient.double() - self.full
        scaled = (norms / norms.amax().clamp_min(torch.finfo(norms.dtype).tiny)).square()
        values = {
            "multiplier": mean,
            "inclusion": law.inclusion,
            "energy": norms.square(),
            "noise": _inner(units, noise, noise),
            "along": _inner(units, noise, self.full),
        }
        if law.square is not None:
            excess = (scaled * (law.square - 1)).sum()
            values["omega"] = excess / scaled.sum().clamp_min(torch.finfo(norms.dtype).tiny)
        for name, value in values.items():
            self.rows.setdefault(name, []).append(value.flatten().cpu())
        self.plain = noise if self.plain is None else self.plain + noise
        scaled_noise = noise.clone()
        units.scale(scaled_noise, mean)
        self.weighted = scaled_noise if self.weighted is None else self.weighted + scaled_noise

    @cached_property
    def _mean(self) -> Tensor:
        return torch.stack(self.rows["multiplier"]).mean(0)

    @cached_property
    def _sum(self) -> Tensor:
        """Of y, shaped like the parameter."""
        assert self.plain is not None and self.weighted is not None
        units, shift = self.block.units, self.plain.clone()
        units.scale(shift, self._mean.to(shift.device).reshape(units.draws, units.n))
        return self.weighted - shift

    def cross_with(self, found: Mapping[int, Tensor], number: int) -> None:
        noise = found[id(self.block.units.parameter)].double() - self.full
        products = _inner(self.block.units, noise, self._sum).flatten().cpu()
        self.rows.setdefault("cross", []).append(products * (self.rows["multiplier"][number] - self._mean))

    def result(self) -> Measured:
        units = self.block.units
        rows = {name: torch.stack(values) for name, values in self.rows.items()}
        return Measured(
            gradient=_inner(units, self.full, self.full).flatten().cpu(),
            multiplier=rows["multiplier"],
            inclusion=rows["inclusion"],
            energy=rows["energy"],
            noise=rows["noise"],
            along=rows["along"],
            omega=rows["omega"].squeeze(-1) if "omega" in rows else None,
            total=_inner(units, self._sum, self._sum).flatten().cpu(),
            cross=rows.get("cross", torch.zeros_like(rows["noise"])),
            resolution=torch.finfo(units.parameter.dtype).eps,
            correction=self.correction,
        )


def _inner(units: Units, one: Tensor, other: Tensor) -> Tensor:
    """Inner product of every unit, (draws, n), for tensors shaped like the parameter."""
    product = units.view(one) * units.view(other)
    inner = [dim for dim in range(product.ndim) if dim not in (units.axis, units.row_axis)]
    return (product.sum(inner) if inner else product).reshape(-1, units.n)
