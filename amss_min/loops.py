"""What training loops do around the masked step: optimizers wrapped by frameworks, and gradients changed too late."""

import warnings
import weakref
from collections.abc import Iterable
from functools import cache
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_pre_hook


def unwrapped(optimizer: Optimizer) -> Optimizer:
    """The optimizer inside those of Accelerate and Lightning, which hold it as `.optimizer`: the one that steps."""
    inner = getattr(optimizer, "optimizer", None)
    return unwrapped(inner) if isinstance(inner, Optimizer) else optimizer


class LateChanges:
    """Warns at the next optimizer step if gradients were changed after they were masked by hand.

    Clipping an unbiased masked gradient makes it biased: the factor min(1, c / |m * g|) depends on the mask. Changes
    are seen by the version counters of the tensors, which every operation in place counts up: nothing is measured.
    A constant factor, such as the unscaling of a GradScaler, changes the gradient too and would be harmless after the
    mask; it belongs before it all the same.
    """

    def __init__(self) -> None:
        self._versions: dict[int, tuple[weakref.ref[Tensor], int]] = {}

    def watch(self, parameters: Iterable[Tensor]) -> None:
        """From now to the next step of an optimizer that holds one of these; the watch before this one ends."""
        versions = {}
        for parameter in parameters:
            gradient = parameter.grad
            if gradient is not None and not gradient.is_inference():  # inference tensors have no version counter
                versions[id(parameter)] = weakref.ref(gradient), gradient._version
        self._versions = versions
        _watching().add(self)

    def found_before(self, optimizer: Optimizer) -> bool:
        """Whether a gradient that this optimizer holds was changed; where it holds any, the watch ends."""
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        watched = [parameter for parameter in parameters if id(parameter) in self._versions]
        changed = any(self._changed(parameter) for parameter in watched)
        if watched:
            _watching().discard(self)
        return changed

    def _changed(self, parameter: Tensor) -> bool:
        seen, version = self._versions[id(parameter)]
        gradient = parameter.grad
        return gradient is not None and seen() is gradient and gradient._version != version


@cache
def _watching() -> "weakref.WeakSet[LateChanges]":
    """All that watch, looked at in one hook before the steps of all optimizers, which the first watch installs."""
    watching: weakref.WeakSet[LateChanges] = weakref.WeakSet()

    def before_step(optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if any([late.found_before(optimizer) for late in list(watching)]):
            warnings.warn(
                "gradients must not be changed between mask_gradients() and step(), found them changed: clipping there "
                "makes an unbiased mask biased, because the factor depends on the mask. Unscale and clip first, then "
                "mask; an attached optimizer masks last by itself",
                stacklevel=3,
            )

    register_optimizer_step_pre_hook(before_step)
    return watching
