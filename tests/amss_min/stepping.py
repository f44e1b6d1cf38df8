"""Optimizers and single steps for the tests of what a mask acts on."""

import copy
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

OPTIMIZERS: dict[str, Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]] = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.125, momentum=0.5, weight_decay=0.25),
    "SGD nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "SGD fused": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1, fused=True),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "AdamW foreach": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1, foreach=True),
    "AdamW fused": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1, fused=True),
    "Adam amsgrad": lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1, amsgrad=True),
}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def started(name: str, shape: tuple[int, ...] = (4, 2)) -> tuple[nn.Parameter, torch.optim.Optimizer]:
    """A parameter after one plain step, so that momentum and second moments are there, with its next gradient."""
    size = torch.Size(shape).numel()
    values = torch.arange(1.0, size + 1, dtype=torch.float64).reshape(shape)
    p = nn.Parameter(values / 4 - 1)
    optimizer = OPTIMIZERS[name]([p])
    p.grad = (values - 3) / 2
    optimizer.step()
    p.grad = (5 - values) / 4
    return p, optimizer


def bits(tensor: Tensor) -> Tensor:
    """The tensor's bit patterns, in which -0.0 is not 0.0 and NaN equals itself."""
    tensor = tensor.detach()
    return tensor.view({1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.element_size()])


def same(one: Tensor, other: Tensor) -> bool:
    """Equality bit for bit."""
    return torch.equal(bits(one), bits(other))


def tensors(value: object) -> list[Tensor]:
    """All tensors of nested dictionaries and lists, in order."""
    if isinstance(value, Tensor):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else []
    return [tensor for item in inner for tensor in tensors(item)]


def plain_step(name: str, parameters: list[nn.Parameter], state: object) -> tuple[list[Tensor], list[Tensor]]:
    """The weights and the optimizer's tensors after a step of the plain optimizer from these; they are left alone."""
    copies = [nn.Parameter(p.detach().clone()) for p in parameters]
    for twin, p in zip(copies, parameters, strict=True):
        twin.grad = None if p.grad is None else p.grad.clone()
    optimizer = OPTIMIZERS[name](copies)
    optimizer.load_state_dict(copy.deepcopy(state))  # type: ignore[arg-type]
    optimizer.step()
    return [p.detach() for p in copies], tensors(optimizer.state_dict())
