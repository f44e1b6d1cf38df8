"""What AMSS holds between two steps is less than a hundredth of the parameters."""

from collections.abc import Iterator, Mapping

import pytest
import torch
from torch import Tensor

from amss_min import AMSS, AMSSPlus
from simulations.step_models import PAIRS, parameters, resnet


def tensors_of(value: object, seen: set[int]) -> Iterator[Tensor]:
    """All tensors that are reached from a value through containers and attributes, each once."""
    if id(value) in seen or isinstance(value, type):
        return
    seen.add(id(value))
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from tensors_of(one, seen)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from tensors_of(one, seen)
    elif hasattr(value, "__dict__"):
        yield from tensors_of(vars(value), seen)


def held(amss: AMSS) -> int:
    """Bytes of the storages that AMSS keeps alive, without parameters and gradients."""
    own = {block.units.parameter.untyped_storage().data_ptr() for block in amss.blocks}
    storages = {}
    for tensor in tensors_of(amss, set()):
        if tensor.untyped_storage().data_ptr() not in own:
            storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
    return sum(storages.values())


@pytest.mark.parametrize("kind", [AMSS, AMSSPlus])
@pytest.mark.parametrize("name", ["two ResNet-18", "two ResNet-50"])
def test_a_hundredth_of_the_parameters_is_more_than_enough(kind: type[AMSS], name: str) -> None:
    encoders = PAIRS[name]()
    amss = kind(encoders, keep=0.5, generator=torch.Generator().manual_seed(0))
    for block in amss.blocks:
        block.units.parameter.grad = torch.ones_like(block.units.parameter)
    amss.mask_gradients()
    size = sum(p.numel() * p.element_size() for encoder in encoders.values() for p in parameters(encoder))
    assert 0 < held(amss) < size / 100


def test_what_is_held_is_found() -> None:
    amss = AMSS({"one": resnet(18, 1)}, keep=0.5)
    before = held(amss)
    amss.kept = {"by": [torch.zeros(1000)]}  # type: ignore[attr-defined]
    assert held(amss) == before + 4000
