"""A stranger's method, from the documentation alone: the text below is the one it shows."""

from pathlib import Path

import torch

from simulations.multimodal.methods import find_method
from tests.simulations.multimodal.methods.small_networks import CLASSES, batch, filled, made, network, plain

TEXT = '''\
"""Every encoder steps the same length: its gradient is scaled to the mean norm over encoders."""

from pydantic import Field
from torch import Tensor
from torch.nn.utils import get_total_norm

from simulations.multimodal.methods import Method, Options
from simulations.multimodal.model import Output


class LengthOptions(Options):
    """share: 0 leaves gradients as they are, 1 makes them equally long."""

    share: float = Field(1.0, ge=0, le=1)


class EqualLengths(Method):
    summary = "encoder gradients of equal length"
    source = "mine"
    Options = LengthOptions

    def backward(self, output: Output, target: Tensor) -> Tensor:
        loss = super().backward(output, target)
        encoders = {name: list(encoder.parameters()) for name, encoder in self.net.encoders.items()}
        norms = {name: get_total_norm([p.grad for p in own]) for name, own in encoders.items()}
        mean = sum(norms.values()) / len(norms)
        for name, own in encoders.items():
            for parameter in own:
                parameter.grad *= (mean / norms[name]) ** self.setup.options.share
        return loss
'''


def test_the_documented_method_is_found_and_does_what_it_says(tmp_path: Path) -> None:
    assert len(TEXT.splitlines()) < 40
    path = tmp_path / "equal_lengths.py"
    path.write_text(TEXT)
    kind = find_method(f"{path}:EqualLengths")
    assert kind.summary == "encoder gradients of equal length"
    net, (inputs, target) = network(), batch()
    joint = plain(net, CLASSES, inputs, target)
    for share in (1.0, 0.0):
        found = filled(made(kind, net, share=share), inputs, target)[1]
        lengths = [
            torch.cat([found[key].flatten() for key in found if key.startswith(f"encoders.{name}")]).norm()
            for name in net.modalities
        ]
        if share:
            torch.testing.assert_close(lengths[0], lengths[1])
        else:
            assert all(torch.equal(found[key], joint[key]) for key in joint)
