"""Which saved states a masked step takes."""

from collections.abc import Mapping, Sequence
from typing import Any


def refuse_other_state(state: Mapping[str, Any], modalities: Sequence[str], device: str) -> None:
    """ValueError unless AMSS.state_dict() gave it, for these modalities and a generator on this kind of device.

    A state taken before the kind of device was noted is taken for one of this kind.
    """
    missing = {"modalities", "generator", "observed", "used_by"} - set(state)
    if missing:
        raise ValueError(f"the state must be one that state_dict() gave, found no {sorted(missing)} in it")
    if list(state["modalities"]) != list(modalities):
        raise ValueError(f"the state must be of modalities {tuple(modalities)}, found {state['modalities']}")
    kind = state.get("device", device)
    if kind != device:
        raise ValueError(
            f"the state must be of a generator on the same kind of device, found {kind!r} for one on {device!r}: to "
            "move between devices, train with generator=torch.Generator() on the CPU"
        )
