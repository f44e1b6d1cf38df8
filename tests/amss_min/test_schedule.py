"""Which steps are masked, which draw anew, and what a reused mask does to the mean."""

import itertools
from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn

from amss_min import AMSS, AMSSPlus, HorvitzThompson, Schedule, SimpleRandom, Systematic
from tests.amss_min.nets import Net, batch, observe, rate_amss
from tests.amss_min.stepping import OPTIMIZERS, generator, same
from theory.claims.reused_mask_biased import reused_mean
from theory.scripted import Scripted

MASKS = ("gradient", "update", "freeze")


def ones(*rows: int) -> list[nn.Parameter]:
    return [nn.Parameter(torch.zeros(n, 2, dtype=torch.float64)) for n in rows]


def step(optimizer: torch.optim.Optimizer, *parameters: nn.Parameter) -> list[Tensor]:
    """What a step of gradients of ones moves each parameter by."""
    before = [p.detach().clone() for p in parameters]
    for p in parameters:
        p.grad = torch.ones_like(p)
    optimizer.step()
    return [p.detach() - old for p, old in zip(parameters, before, strict=True)]


@pytest.mark.parametrize("masks", MASKS)
def test_warm_up_and_the_steps_after_the_end_are_plain_and_draw_nothing(masks: str) -> None:
    (p,) = ones(8)
    optimizer = torch.optim.SGD([p], lr=1.0)
    amss = AMSS({"a": p}, keep=0.25, masks=masks, schedule=Schedule(start=2, end=4), generator=generator())
    amss.attach(optimizer)
    moved, words = [], []
    for _ in range(6):
        state = amss.generator.get_state()
        moved.append(int((step(optimizer, p)[0] != 0).any(1).sum()))
        words.append(not torch.equal(state, amss.generator.get_state()))
        kept = {"a": 0.25} if words[-1] else {"a": 1.0}
        assert amss.report.keep == kept and len(amss.report.tensors) == words[-1]
    assert moved == [8, 8, 2, 2, 8, 8]
    assert words == [False, False, True, True, False, False]


@pytest.mark.parametrize("name", ["SGD", "AdamW"])
@pytest.mark.parametrize("masks", MASKS)
def test_an_unmasked_step_is_the_plain_optimizer_bit_for_bit(masks: str, name: str) -> None:
    nets = []
    for masked in (False, True):
        torch.manual_seed(0)
        net = Net()
        optimizer = OPTIMIZERS[name](net.parameters())
        if masked:
            AMSS(net.modalities(), keep=0.3, masks=masks, schedule=Schedule(start=3)).attach(optimizer)
        for number in range(3):
            x, y = batch(number)
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
        nets.append(net)
    assert all(same(a, b) for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True))


@pytest.mark.parametrize("masks", MASKS)
def test_a_mask_is_reused_until_the_next_draw(masks: str) -> None:
    a, b = ones(64, 48)
    optimizer = torch.optim.SGD([a, b], lr=1.0)
    schedule = Schedule(every=3, start=1)
    amss = AMSS({"a": a, "b": b}, keep=0.5, masks=masks, schedule=schedule, generator=generator())
    amss.attach(optimizer)
    moved = [torch.cat(step(optimizer, a, b)) for _ in range(10)]
    for number in (2, 3, 5, 6, 8, 9):
        assert torch.equal(moved[number], moved[number - 1])
    assert len({tuple(moved[number].flatten().tolist()) for number in (1, 4, 7)}) == 3


@pytest.mark.parametrize("masks", ["gradient", "update"])
def test_a_reused_mask_keeps_the_weights_of_its_draw(masks: str) -> None:
    (p,) = ones(6)
    optimizer = torch.optim.SGD([p], lr=1.0)
    design, schedule = Systematic(), Schedule(every=2)
    plain = AMSS({"a": p}, keep=0.5, design=design, weighting=HorvitzThompson(), masks=masks, schedule=schedule)
    plain.attach(optimizer)
    moved = []
    # From 0 and with gradients that are powers of two nothing depends on their size but the exponent.
    for scale in (1.0, 4.0):
        with torch.no_grad():
            p.zero_()
        p.grad = scale * 2.0 ** torch.arange(12, dtype=torch.float64).reshape(6, 2)
        gradient = p.grad.clone()
        optimizer.step()
        moved.append(p.detach() / gradient)
    assert same(*moved)
    assert len(moved[0].unique()) > 2  # weights of several sizes
    assert plain.report.tensors[0].drawn == 3


def test_the_mean_of_two_steps_with_one_mask_is_that_of_the_claim() -> None:
    start, eta = (Fraction(1, 2), Fraction(1), Fraction(-1), Fraction(3, 2)), Fraction(1, 8)
    a = torch.tensor([1.0, 3.0, 0.5, 2.5], dtype=torch.float64)  # float64 rounds nothing
    orders = list(itertools.permutations(range(4)))
    for k in (1, 2):
        design = Scripted(SimpleRandom())
        mean = [Fraction(0)] * 4
        for order in orders:
            design.script = {4: [[place << 40 for place in order]]}
            p = nn.Parameter(torch.tensor([float(w) for w in start], dtype=torch.float64))
            optimizer = torch.optim.SGD([p], lr=float(eta))
            weighting = HorvitzThompson()
            AMSS({"a": p}, keep=k / 4, design=design, weighting=weighting, schedule=Schedule(every=2)).attach(optimizer)
            for _ in range(2):
                p.grad = (a * p).detach()
                optimizer.step()
                design.script = {}  # the second step must not draw
            mean = [m + Fraction(value) / len(orders) for m, value in zip(mean, p.tolist(), strict=True)]
        assert mean == [reused_mean(w, Fraction(c), eta, k, 4) for w, c in zip(start, a.tolist(), strict=True)]


def test_other_tensors_with_a_gradient_call_for_a_new_mask() -> None:
    a, b = ones(64, 48)
    optimizer = torch.optim.SGD([a, b], lr=1.0)
    amss = AMSS({"a": a, "b": b}, keep=0.5, schedule=Schedule(every=10), generator=generator())
    amss.attach(optimizer)
    first = step(optimizer, a, b)
    b.grad = None
    (alone,) = step(optimizer, a)
    b.grad = None
    (again,) = step(optimizer, a)
    assert not torch.equal(alone, first[0])
    assert torch.equal(again, alone)


def test_every_optimizer_counts_its_own_steps() -> None:
    a, b = ones(64, 48)
    first, second = torch.optim.SGD([a], lr=1.0), torch.optim.SGD([b], lr=1.0)
    amss = AMSS({"a": a, "b": b}, keep=0.5, schedule=Schedule(start=2), generator=generator())
    amss.attach(first)
    amss.attach(second)
    counts = []
    for number in range(4):
        counts.append(int((step(first, a)[0] != 0).any(1).sum()))
        if number % 2:
            counts.append(int((step(second, b)[0] != 0).any(1).sum()))
    assert counts == [64, 64, 48, 32, 32, 48]


def test_masking_by_hand_counts_too() -> None:
    (p,) = ones(8)
    amss = AMSS({"a": p}, keep=0.25, schedule=Schedule(start=1, end=2), generator=generator())
    kept = []
    for _ in range(3):
        p.grad = torch.ones_like(p)
        amss.mask_gradients()
        kept.append(int(p.grad[:, 0].sum()))
    assert kept == [8, 2, 8]


@pytest.mark.parametrize("masks", MASKS)
def test_an_observation_is_needed_where_a_mask_is_drawn_and_spent_by_every_step(masks: str) -> None:
    torch.manual_seed(0)
    net = Net()
    amss = AMSS(net.modalities(), keep=rate_amss(net).keep, masks=masks, schedule=Schedule(every=2, start=1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    amss.attach(optimizer)

    def masked_step(number: int) -> None:
        x, y = batch(number)
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()

    masked_step(0)
    with pytest.raises(RuntimeError, match="call observe"):
        masked_step(1)
    observe(amss, net, *batch(1))
    masked_step(1)
    observe(amss, net, *batch(2))
    masked_step(2)  # reuses: the observation is spent all the same, not pooled with the next
    alone = AMSS(net.modalities(), keep=rate_amss(net).keep)
    for each in (amss, alone):
        observe(each, net, *batch(3))
    assert torch.equal(amss.keep_fractions(), alone.keep_fractions())


def test_a_schedule_in_epochs() -> None:
    assert Schedule.in_epochs(10, start=1, end=2.5, every=4) == Schedule(every=4, start=10, end=25)
    assert Schedule.in_epochs(7) == Schedule()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Schedule(every=0), "every must be at least 1 step, found every=0"),
        (lambda: Schedule(start=-1), "0 <= start < end, found start=-1, end=None"),
        (lambda: Schedule(start=3, end=3), "0 <= start < end, found start=3, end=3"),
        (lambda: Schedule.in_epochs(0), "steps_per_epoch must be at least 1, found 0"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Schedule(every=1.5), "every must be a whole number of steps, found every=1.5"),
        (lambda: Schedule(start=None), "start must be a whole number of steps, found start=None"),
        (lambda: Schedule(end=True), "end must be a whole number of steps, found end=True"),
        (lambda: Schedule.in_epochs(2.5), "steps_per_epoch must be a whole number, found 2.5"),
        (lambda: Schedule.in_epochs(5, end="2"), "end must be a number of epochs, found end='2'"),
        (lambda: AMSSPlus({"a": ones(4)[0]}, keep=0.5, schedule=3), "schedule must be a Schedule, found 3"),
    ],
)
def test_a_schedule_of_another_kind_is_refused(make: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()  # type: ignore[operator]
