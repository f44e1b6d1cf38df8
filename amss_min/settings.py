"""What a masked step may be asked to do: settings are checked once, when it is made."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Real
from types import UnionType

import torch

from amss_min.designs import Design, Successive
from amss_min.designs.fixed_point import MOST_UNITS, FixedPointDesign
from amss_min.importance import Importance
from amss_min.plan import Batch, Block, close_names
from amss_min.released import Released
from amss_min.significance import MutualInformationRate
from amss_min.weightings import HorvitzThompson, RankConditioned, ShiftedInverse, Weighting

Keep = float | Mapping[str, float] | MutualInformationRate


def checked_keep(
    keep: Keep, modalities: Sequence[str], released: Released | None
) -> dict[str, float] | MutualInformationRate:
    """One fraction for every modality, or the rule that gives them (with the released departures, if asked for).

    Raises ValueError for a fraction outside (0, 1], a name that is not a modality or a missing one, and for the
    released swap of more than two modalities; TypeError for anything but numbers.
    """
    if isinstance(keep, MutualInformationRate):
        if released is None:
            return keep
        if released.swapped_ratio and len(modalities) > 2:
            raise ValueError(f"the released swap is of a pair of modalities, found {len(modalities)}")
        return replace(keep, swapped=released.swapped_ratio, released_entropy=released.released_entropy)
    named = dict(keep) if isinstance(keep, Mapping) else dict.fromkeys(modalities, keep)
    close_names("keep", named, modalities)
    for name, fraction in named.items():
        if not isinstance(fraction, Real) or isinstance(fraction, bool):
            raise TypeError(f"keep must be a number, found {type(fraction).__name__} for modality {name!r}")
        if not 0 < fraction <= 1:
            raise ValueError(f"keep must be in (0, 1], found keep={fraction} for modality {name!r}")
    return {name: float(named[name]) for name in modalities}


def refuse_other_types(importance: object, design: object, weighting: object, released: object) -> None:
    """TypeError unless each is None or an instance of what it should be: Systematic(), not Systematic."""
    for name, value, kind in (("importance", importance, Importance), ("design", design, Design)):
        _require(name, value, kind, f"an instance of {kind.__name__}")
    _require("weighting", weighting, Weighting, "an instance of Weighting")
    _require("released", released, Released | bool, "True or a Released")


def refuse_contradictions(design: Design, weighting: Weighting, released: Released | None, *, unbiased: bool) -> None:
    """ValueError for a combination that cannot do what it says; unbiased: whether it must be (AMSS+)."""
    if isinstance(weighting, ShiftedInverse) and released is None:
        raise ValueError("ShiftedInverse is the released weight, which is biased: it needs released=True")
    if unbiased and not weighting.unbiased and released is None:
        raise ValueError(f"AMSSPlus must be unbiased, found {weighting}: use AMSS, or HorvitzThompson()")
    if isinstance(weighting, HorvitzThompson) and not design.positive:
        raise ValueError(
            f"HorvitzThompson needs a positive inclusion probability for every unit, found {design}, "
            "which leaves some units out for certain"
        )
    if isinstance(weighting, RankConditioned) and not isinstance(design, Successive):
        raise ValueError(f"RankConditioned needs the clocks of Successive sampling, found {design}")


def refuse_sizes(
    blocks: Sequence[Block], keep: dict[str, float] | MutualInformationRate, design: Design, weighting: Weighting
) -> None:
    """ValueError for a tensor with no units, more than the design takes, or a count that the weighting cannot bear."""
    names = list(dict.fromkeys(block.modality for block in blocks))
    for block in blocks:
        n = block.units.n
        if n < 1 or (isinstance(design, FixedPointDesign) and n > MOST_UNITS):
            raise ValueError(f"a tensor must have from 1 to 2^20 units under {design}, found {n} in {block.name!r}")
    if not isinstance(weighting, RankConditioned):
        return
    if isinstance(keep, MutualInformationRate):
        least = {name: keep.floor if len(names) > 1 else 1.0 for name in names}
    else:
        least = keep
    rho = torch.tensor([least[name] for name in names], dtype=torch.float64)
    for block in blocks:
        n = block.units.n
        if n > 1 and int(Batch([block]).counts(rho)[0]) == 1:
            raise ValueError(
                f"RankConditioned needs k >= 2 or k = n, found k=1 of n={n} in {block.name!r} at "
                f"keep={least[block.modality]}: its second moment is infinite there"
            )


def refuse_closure(args: Sequence[object], kwargs: Mapping[str, object]) -> None:
    """RuntimeError where step() was called with a closure, by place or by name."""
    if kwargs.get("closure") is not None or any(argument is not None for argument in args):
        raise RuntimeError(
            "step(closure) cannot be masked: the hook runs before the closure's backward pass. "
            "Call backward() first, then step() without a closure"
        )


def default_generator(blocks: Sequence[Block]) -> torch.Generator:
    """A generator on the parameters' device, seeded from torch.initial_seed() and the names of the tensors.

    Seeded with the global seed itself it would repeat the global stream, and the masks would depend on whatever noise
    the model draws from it.
    """
    words = f"amss_min {torch.initial_seed()} {' '.join(block.name for block in blocks)}"
    seed = int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8).digest(), "big") >> 1
    return torch.Generator(blocks[0].units.parameter.device).manual_seed(seed)


def _require(name: str, value: object, kind: type | UnionType, wanted: str) -> None:
    if value is not None and not isinstance(value, kind):
        found = f"the class {value.__name__}" if isinstance(value, type) else repr(value)
        raise TypeError(f"{name} must be {wanted}, found {found}")
