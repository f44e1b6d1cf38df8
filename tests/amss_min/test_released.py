"""The released behaviour: each departure where it is switched on, and nowhere else."""

import pytest
import torch

from amss_min import AMSS, AMSSPlus, MutualInformationRate, Released, ShiftedInverse, Successive
from tests.amss_min.nets import Net, batch, observe, with_gradients


def masked(released: Released | bool | None, plus: bool = True) -> tuple[Net, Net]:
    net, before = with_gradients(), with_gradients()
    kind = AMSSPlus if plus else AMSS
    kind(net.modalities(), keep=0.5, released=released, generator=torch.Generator().manual_seed(0)).mask_gradients()
    return net, before


def grad(net: Net, name: str) -> torch.Tensor:
    found = net.get_parameter(name).grad
    assert found is not None
    return found


def test_the_switch_selects_the_released_sampling_and_weight() -> None:
    amss = AMSSPlus(with_gradients().modalities(), keep=0.5, released=True)
    assert isinstance(amss.design, Successive)
    assert amss.weighting == ShiftedInverse()
    assert amss.importance.mix == 0
    image_text = AMSSPlus(with_gradients().modalities(), keep=0.5, released=Released(shift=0.2))
    assert image_text.weighting == ShiftedInverse(0.2)


def test_the_released_weight_is_one_over_q_plus_one_over_n() -> None:
    net, before = masked(True)
    original = grad(before, "audio.0.weight")
    ratio = (grad(net, "audio.0.weight") / original)[:, 0]
    q = original.square().sum(1) / original.square().sum()
    drawn = ratio != 0
    assert int(drawn.sum()) == 6
    torch.testing.assert_close(ratio[drawn], (1 / (q + 1 / 12))[drawn], rtol=1e-13, atol=0)


@pytest.mark.parametrize("plus", [False, True])
def test_the_released_head_is_not_masked(plus: bool) -> None:
    net, before = masked(True, plus)
    assert torch.equal(grad(net, "head.weight"), grad(before, "head.weight"))
    net, before = masked(None, plus)
    assert not torch.equal(grad(net, "head.weight"), grad(before, "head.weight"))


def test_the_report_says_what_happens_to_a_released_head() -> None:
    net = with_gradients()
    amss = AMSSPlus(net.modalities(), keep=0.5, released=True)
    for entry in amss.mask_gradients().tensors:
        if "columns" in entry.name:
            assert (entry.fraction, entry.second_moment) == (1.0, None)
        else:
            assert entry.fraction == 0.5


def test_the_released_head_weight_divides_by_the_index() -> None:
    net, before = masked(Released(head_unmasked=False))
    ratio = (grad(net, "head.weight") / grad(before, "head.weight"))[:, :6]
    expected = (1 / (torch.arange(6.0, dtype=torch.float64) + 1 / 6)).expand(3, 6)
    torch.testing.assert_close(ratio[ratio != 0], expected[ratio != 0], rtol=1e-13, atol=0)
    assert (ratio != 0).sum(1).tolist() == [3, 3, 3]


def test_the_released_ratio_of_a_pair_is_swapped() -> None:
    fractions = []
    for released in (None, Released(released_entropy=False)):
        net = with_gradients()
        amss = AMSS(net.modalities(), keep=MutualInformationRate(), released=released)
        observe(amss, net, *batch())
        fractions.append(amss.keep_fractions())
    assert torch.equal(fractions[0], fractions[1].flip(0))
    assert not torch.equal(fractions[0], fractions[1])


def test_the_swap_is_defined_for_a_pair_only() -> None:
    net = torch.nn.ModuleDict({name: torch.nn.Linear(2, 3) for name in "abc"})
    with pytest.raises(ValueError, match="the released swap is of a pair of modalities, found 3"):
        AMSS(net, keep=MutualInformationRate(), released=True)
    AMSS(net, keep=MutualInformationRate(), released=Released(swapped_ratio=False))
