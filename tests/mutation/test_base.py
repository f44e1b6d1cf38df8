"""Sizes, counts, ranks and words: facts that hold for every design."""

from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from amss_min.designs import (
    ConditionalPoisson,
    Design,
    Draw,
    Pareto,
    Pivotal,
    Poisson,
    Sampford,
    SequentialPoisson,
    SimpleRandom,
    Successive,
    Systematic,
    TopK,
)
from amss_min.designs.base import prepared, smallest

MAKERS: dict[str, Callable[[], Design]] = {
    "TopK()": TopK,
    "SimpleRandom()": SimpleRandom,
    "Poisson()": Poisson,
    "Successive()": Successive,
    "Pareto()": Pareto,
    "SequentialPoisson()": SequentialPoisson,
    "ConditionalPoisson()": ConditionalPoisson,
    "Sampford()": Sampford,
    "Systematic()": Systematic,
    "Systematic(random_order=False)": lambda: Systematic(random_order=False),
    "Pivotal()": Pivotal,
    "Pivotal(order='ordered')": lambda: Pivotal(order="ordered"),
    "Pivotal(order='tree')": lambda: Pivotal(order="tree"),
}
WORDS = {
    "TopK()": 0,
    "Systematic()": 6,
    "Systematic(random_order=False)": 6,
    "Pivotal()": 9,
    "Pivotal(order='ordered')": 4,
    "Pivotal(order='tree')": 4,
}
"""Words for five units, where that is not five."""


@pytest.fixture(params=MAKERS)
def design(request: pytest.FixtureRequest) -> Design:
    """Made anew in every test, so that the making is tested too."""
    found = MAKERS[request.param]()
    assert repr(found) == request.param
    return found


class Recorder(Design):
    """Keeps the words that it is given; a word a unit and two more."""

    fixed_size = True
    positive = True

    def slots(self, n: int) -> int:
        return n + 2

    def inclusion(self, p: Tensor, k: int | Tensor) -> Tensor:
        return p * 2 + torch.as_tensor(k).unsqueeze(-1)

    def select(self, p: Tensor, k: int | Tensor, bits: Tensor) -> Draw:
        self.bits = bits
        return Draw(drawn=p, q=p, k=torch.as_tensor(k), design=self)


def test_sizes_are_divided_by_their_sum() -> None:
    sizes = torch.tensor([[1.0, 1.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 12.0, 4.0]])
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        p = sizes.to(dtype).requires_grad_()
        q, positive, count = prepared(p, torch.tensor([2, 1, 7]))
        assert q.dtype == torch.float64 and not q.requires_grad
        assert q.tolist() == [[0.25, 0.25, 0.5, 0.0], [0.0] * 4, [0.0, 0.0, 0.75, 0.25]]
        assert positive.tolist() == [[True, True, True, False], [False] * 4, [False, False, True, True]]
        assert count.tolist() == [2, 0, 2]
        assert torch.equal(p, sizes.to(dtype))
    # One division of exact operands: the nearest float64.
    assert prepared(torch.tensor([3.0, 2.0]), 1)[0].tolist() == [float(Fraction(3, 5)), float(Fraction(2, 5))]


def test_a_positive_size_stays_positive_beside_any_sum() -> None:
    q, positive, count = prepared(torch.tensor([2.0**1023, 2.0**-1074, 1.0, 0.0], dtype=torch.float64), 9)
    assert q.tolist() == [1.0, 2.0**-1000, 2.0**-1000, 0.0]
    assert positive.tolist() == [True, True, True, False]
    assert int(count) == 3


def test_no_finite_size_is_too_large_or_too_small() -> None:
    rows = [[2.0**1023] * 4, [2.0**-1074] * 4, [1.5, 1.5, 3.0, 6.0], [2.0**-1074, 0.0, 0.0, 0.0]]
    q = prepared(torch.tensor(rows, dtype=torch.float64), 1)[0].tolist()
    assert q == [[0.25] * 4, [0.25] * 4, [0.125, 0.125, 0.25, 0.5], [1.0, 0.0, 0.0, 0.0]]
    # Scaling by a power of two rounds nothing: the same quotient of the same digits.
    odd = torch.tensor([0.1, 0.7, 0.3], dtype=torch.float64)
    for power in (-900, 0, 900):
        assert torch.equal(prepared(odd * 2.0**power, 1)[0], odd / odd.sum())


def test_the_count_is_cut_to_the_positive_units_and_starts_at_one() -> None:
    p = torch.tensor([3.0, 0.0, 5.0])
    assert [int(prepared(p, k)[2]) for k in (1, 2, 3)] == [1, 2, 2]
    with pytest.raises(ValueError, match=r"^the count k must be at least 1, found k=0$"):
        prepared(p, 0)


@pytest.mark.parametrize(("shape", "found"), [((), r"\(\)"), ((0,), r"\(0,\)"), ((3, 0), r"\(3, 0\)")])
def test_no_units_are_refused(shape: tuple[int, ...], found: str) -> None:
    message = rf"^sizes must have at least one unit on the last axis, found shape {found}$"
    with pytest.raises(ValueError, match=message):
        prepared(torch.ones(shape), 1)


def test_no_rows_are_no_error() -> None:
    q, positive, count = prepared(torch.ones(0, 3), 1)
    assert (q.shape, positive.shape, count.shape) == ((0, 3), (0, 3), (0,))


def test_the_smallest_are_counted_along_the_last_axis_with_ties_to_the_lower_index() -> None:
    keys = torch.tensor([[3, 1, 1, 2], [1, 1, 1, 1], [4, 3, 2, 1], [9, 8, 7, 7]])
    assert smallest(keys, torch.tensor([2, 2, 0, 1])).tolist() == [
        [False, True, True, False],
        [True, True, False, False],
        [False] * 4,
        [False, False, True, False],
    ]
    # Long rows of equal keys: sorts that are not stable show here.
    assert smallest(torch.zeros(5000), torch.tensor(1700)).tolist() == [True] * 1700 + [False] * 3300


def test_sample_draws_its_words_from_the_generator_alone() -> None:
    design = Recorder()
    before = torch.get_rng_state()
    draw = design.sample(torch.ones(7, 300), 3, generator=torch.Generator().manual_seed(1))
    bits = design.bits
    assert torch.equal(before, torch.get_rng_state())
    assert (bits.shape, bits.dtype) == ((7, 302), torch.int64)
    assert int(draw.k) == 3 and draw.design is design
    # 2114 words: each bit below 2^62 is seen at 0 and at 1, and none above.
    assert int(bits.min()) >= 0
    seen = {place for place in range(63) if 0 < int((bits >> place & 1).sum()) < bits.numel()}
    assert seen == set(range(62))
    design.sample(torch.ones(7, 300), 3, generator=torch.Generator().manual_seed(1))
    assert torch.equal(design.bits, bits)
    design.sample(torch.ones(7, 300), 3, generator=torch.Generator().manual_seed(2))
    assert not torch.equal(design.bits, bits)


def test_words_go_where_the_sizes_are() -> None:
    design = Recorder()
    design.sample(torch.ones(2, 5, device="meta"), torch.tensor(1), generator=torch.Generator())
    assert (design.bits.device.type, design.bits.shape) == ("meta", (2, 7))


def test_a_draw_asks_its_design_for_inclusion_where_it_does_not_know_it() -> None:
    draw = Recorder().select(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([1, 2]), torch.zeros(0))
    assert draw.inclusion.tolist() == [[3.0, 5.0], [8.0, 10.0]]


def test_no_joint_inclusion_is_said_with_the_name_of_the_design() -> None:
    message = r"^joint inclusion must have an exact form, found none for Recorder\(\)$"
    with pytest.raises(NotImplementedError, match=message):
        Recorder().joint_inclusion(torch.ones(3), 1)


def test_a_draw_lies_where_its_sizes_lie_whatever_the_default_device(design: Design) -> None:
    """The meta device holds shapes only and refuses to be mixed: what is made there by default shows."""
    with torch.device("meta"):
        sizes = torch.ones(2, 5, dtype=torch.float64, device="cpu")
        for k in (2, torch.tensor([2, 2], device="cpu")):
            draw = design.sample(sizes, k, generator=torch.Generator("cpu"))
            assert {value.device.type for value in (draw.drawn, draw.q, draw.k)} == {"cpu"}
    assert draw.design is design and draw.k.tolist() == [2, 2]


def test_sizes_of_zero_are_never_drawn_and_counts_are_cut(design: Design) -> None:
    p = torch.tensor([0.0, 2.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    draw = design.sample(p, 4, generator=torch.Generator().manual_seed(0))
    assert draw.drawn.tolist() == [False, True, False, True, True]  # three of them, each certain
    assert draw.inclusion.tolist() == [0.0, 1.0, 0.0, 1.0, 1.0]
    assert draw.inclusion.dtype == torch.float64
    third = 1 / 3  # order sampling keeps what it was drawn by: three certain units
    kept = [0.0, third, 0.0, third, third] if design.approximate else [0.0, 0.5, 0.0, 0.25, 0.25]
    assert draw.q.tolist() == pytest.approx(kept, rel=2**-52, abs=0)
    assert design.inclusion(p, 4).tolist() == [0.0, 1.0, 0.0, 1.0, 1.0]
    assert design.inclusion(p, 4).dtype == torch.float64
    nothing = design.sample(torch.zeros(3), 2, generator=torch.Generator())
    assert nothing.drawn.tolist() == [False] * 3 and int(nothing.k) == 0
    assert nothing.inclusion.tolist() == [0.0] * 3


def test_the_only_unit_is_drawn_wherever_it_stands(design: Design) -> None:
    alone = torch.eye(5, dtype=torch.float64)
    for seed in range(3):
        draw = design.sample(alone, 2, generator=torch.Generator().manual_seed(seed))
        assert torch.equal(draw.drawn, alone > 0)


def test_what_designs_promise() -> None:
    fixed, positive, approximate = (
        {name for name, make in MAKERS.items() if getattr(make(), flag)}
        for flag in ("fixed_size", "positive", "approximate")
    )
    assert fixed == {*MAKERS} - {"Poisson()"}
    assert positive == {*MAKERS} - {"TopK()"}
    assert approximate == {"Pareto()", "SequentialPoisson()"}


def test_slots(design: Design) -> None:
    assert design.slots(5) == WORDS.get(repr(design), 5)
