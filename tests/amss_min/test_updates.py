"""What a mask acts on: the update after the optimizer, or weights that stay as they were."""

import copy
import itertools
from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn

from amss_min import (
    AMSS,
    AMSSPlus,
    SimpleRandom,
    Systematic,
    TopK,
)
from tests.amss_min.nets import Net
from tests.amss_min.stepping import OPTIMIZERS, bits, generator, plain_step, same, started, tensors
from theory.enumeration import systematic_pieces
from theory.scripted import Scripted

ROUNDING = Fraction(1, 2**53)


def stepped(amss: AMSS, p: nn.Parameter, name: str, state: object) -> Tensor:
    """The weights after one masked step of a new optimizer in this state."""
    optimizer = OPTIMIZERS[name]([p])
    optimizer.load_state_dict(copy.deepcopy(state))  # type: ignore[arg-type]
    amss.attach(optimizer)
    optimizer.step()
    amss.detach(optimizer)
    return p.detach().clone()


def exact(tensor: Tensor) -> list[Fraction]:
    return [Fraction(value) for value in tensor.flatten().tolist()]


@pytest.mark.parametrize("k", [1, 2])
def test_the_mean_over_all_subsets_is_the_plain_step_of_sgd_with_momentum_and_decay(k: int) -> None:
    # Weights of 4 or 2, a stepsize of 1/8 and momentum of 1/2: float64 rounds nothing.
    p, optimizer = started("SGD")
    before, state = p.detach().clone(), optimizer.state_dict()
    (after,), _ = plain_step("SGD", [p], state)
    design = Scripted(SimpleRandom())
    amss = AMSSPlus({"a": p}, keep=k / 4, design=design, masks="update")
    orders = list(itertools.permutations(range(4)))
    mean = [Fraction(0)] * 8
    for order in orders:
        p.data.copy_(before)
        design.script = {4: [[place << 40 for place in order]]}
        end = exact(stepped(amss, p, "SGD", state))
        mean = [m + value / len(orders) for m, value in zip(mean, end, strict=True)]
    assert mean == exact(after)
    assert mean != exact(before)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_mean_over_all_draws_by_size_is_the_plain_step(name: str) -> None:
    p, optimizer = started(name)
    before, state = p.detach().clone(), optimizer.state_dict()
    (after,), _ = plain_step(name, [p], state)
    u = [b - a for a, b in zip(exact(before), exact(after), strict=True)]
    design = Scripted(Systematic(random_order=False), {4: [[0] * 5]})
    amss = AMSSPlus({"a": p}, keep=0.5, design=design, masks="update")

    stepped(amss, p, name, state)
    sizes, count = design.requests[4]
    (norms,) = (group.norms for group in amss.report._groups)
    torch.testing.assert_close(norms[0], (after - before).norm(dim=1), rtol=2**-50, atol=0)  # those of the update
    pi = exact(design.inner.inclusion(sizes, count)[0])
    assert len(set(pi)) == 4

    mean, bound = [Fraction(0)] * 8, [Fraction(0)] * 8
    for left, right, drawn in systematic_pieces(pi):
        p.data.copy_(before)
        design.script = {4: [[0, 0, 0, 0, int(left * 2**40) << 22]]}
        for place, value in enumerate(exact(stepped(amss, p, name, state))):
            m = drawn[place // 2] / pi[place // 2]
            # The weight, 1 - m, the difference, their product and the sum: five roundings, doubled for higher orders.
            bound[place] += (right - left) * 10 * ROUNDING * (abs(exact(after)[place]) + (1 + m) * abs(u[place]))
            mean[place] += (right - left) * value
    for value, wanted, error in zip(mean, exact(after), bound, strict=True):
        assert abs(value - wanted) <= error


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("masks", ["update", "freeze"])
def test_units_are_the_plain_step_or_untouched_bit_for_bit(name: str, masks: str) -> None:
    p, optimizer = started(name, (12, 3))
    with torch.no_grad():
        p[3:6] = -0.0
    before, state = p.detach().clone(), optimizer.state_dict()
    (after,), buffers = plain_step(name, [p], state)
    amss = AMSS({"a": p}, keep=0.4, masks=masks, generator=generator())
    amss.attach(optimizer)
    optimizer.step()
    moved = (bits(p) != bits(before)).any(1)
    assert int(moved.sum()) == 5
    assert same(p[moved], after[moved])
    assert all(same(mine, other) for mine, other in zip(tensors(optimizer.state_dict()), buffers, strict=True))


@pytest.mark.parametrize("masks", ["update", "freeze"])
@pytest.mark.parametrize("name", ["SGD", "AdamW"])
def test_the_state_of_the_optimizer_advances_as_without_a_mask(name: str, masks: str) -> None:
    p, optimizer = started(name, (8, 3))
    amss = AMSS({"a": p}, keep=0.3, masks=masks, generator=generator())
    amss.attach(optimizer)
    for step in range(4):
        p.grad = torch.randn(8, 3, dtype=torch.float64, generator=generator(step))
        _, buffers = plain_step(name, [p], optimizer.state_dict())
        optimizer.step()
        assert all(same(mine, other) for mine, other in zip(tensors(optimizer.state_dict()), buffers, strict=True))


def test_a_gradient_mask_goes_into_the_momentum_and_not_into_the_decay() -> None:
    p, optimizer = started("SGD")
    before, g = p.detach().clone(), p.grad.clone()
    buffer = tensors(optimizer.state_dict()["state"])[0].clone()
    amss = AMSS({"a": p}, keep=0.5, design=TopK())
    amss.attach(optimizer)
    optimizer.step()
    m = (g.norm(dim=1) >= g.norm(dim=1).sort().values[-2]).double().unsqueeze(1)
    momentum = 0.5 * buffer + m * g + 0.25 * before
    # Quarters and eighths: float64 rounds nothing.
    assert torch.equal(tensors(optimizer.state_dict()["state"])[0], momentum)
    assert torch.equal(p, before - 0.125 * momentum)


def test_freezing_takes_sizes_from_the_gradient_and_masking_the_update_from_the_update() -> None:
    drawn = {}
    for masks in ("freeze", "update"):
        p, optimizer = started("SGD")
        g, before = p.grad.norm(dim=1), p.detach().clone()
        (after,), _ = plain_step("SGD", [p], optimizer.state_dict())
        amss = AMSS({"a": p}, keep=0.25, design=TopK(), masks=masks)
        amss.attach(optimizer)
        optimizer.step()
        drawn[masks] = int((p != before).any(1).nonzero())
    assert drawn == {"freeze": int(g.argmax()), "update": int((after - before).norm(dim=1).argmax())}
    assert drawn["freeze"] != drawn["update"]


def test_a_unit_without_a_gradient_is_frozen_unless_everything_is_kept() -> None:
    for keep, frozen in ((0.5, [2, 3]), (1.0, [])):
        p, optimizer = started("SGD")
        p.grad[2:] = 0
        before = p.detach().clone()
        amss = AMSS({"a": p}, keep=keep, masks="freeze")
        amss.attach(optimizer)
        optimizer.step()
        assert (bits(p) == bits(before)).all(1).nonzero().flatten().tolist() == frozen


def test_a_unit_without_a_gradient_still_moves_by_its_masked_update() -> None:
    p, optimizer = started("SGD")
    p.grad.zero_()
    before = p.detach().clone()
    (after,), _ = plain_step("SGD", [p], optimizer.state_dict())
    amss = AMSSPlus({"a": p}, keep=0.5, design=SimpleRandom(), masks="update", generator=generator())
    amss.attach(optimizer)
    optimizer.step()
    moved = (p != before).any(1)
    assert int(moved.sum()) == 2
    assert torch.equal((p - before)[moved], 2 * (after - before)[moved])  # dyadic: float64 rounds nothing


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(
    ("kind", "masks"), [(AMSS, "gradient"), (AMSS, "update"), (AMSS, "freeze"), (AMSSPlus, "update")]
)
def test_keeping_everything_is_the_plain_optimizer_bit_for_bit(kind: type[AMSS], masks: str, name: str) -> None:
    nets = []
    for masked in (False, True):
        torch.manual_seed(1)
        net = Net(torch.float32)
        with torch.no_grad():
            net.audio[0].weight[0] = -0.0
        optimizer = OPTIMIZERS[name](net.parameters())
        if masked:
            kind(net.modalities(), keep=1.0, masks=masks).attach(optimizer)
        for step in range(3):
            x = {key: torch.randn(16, n, generator=generator(step)) for key, n in (("audio", 5), ("video", 4))}
            x["audio"][:, 2] = 0.0
            optimizer.zero_grad()
            net(x).square().sum().backward()
            optimizer.step()
        nets.append(net)
    assert all(same(a, b) for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True))


@pytest.mark.parametrize("masks", ["update", "freeze"])
def test_a_modality_that_keeps_everything_and_single_units_are_left_to_the_optimizer(masks: str) -> None:
    a, b, single = (
        nn.Parameter(torch.randn(s, dtype=torch.float64, generator=generator(2))) for s in ((6, 2), (6, 2), (1, 5))
    )
    for p in (a, b, single):
        p.grad = torch.randn(p.shape, dtype=torch.float64, generator=generator(3))
    parameters = [a, b, single]
    optimizer = OPTIMIZERS["AdamW"](parameters)
    after, _ = plain_step("AdamW", parameters, optimizer.state_dict())
    amss = AMSS({"a": a, "b": b, "c": single}, keep={"a": 0.5, "b": 1.0, "c": 0.1}, masks=masks)
    amss.attach(optimizer)
    optimizer.step()
    assert [same(p, wanted) for p, wanted in zip(parameters, after, strict=True)] == [False, True, True]
