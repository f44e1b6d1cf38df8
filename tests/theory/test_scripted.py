"""A scripted design draws what its words say, and what the inner design would have drawn with them."""

import pytest
import torch

from amss_min.designs import Systematic, TopK
from theory.scripted import Scripted

SIZES = torch.tensor([[0.1, 0.2, 0.3, 0.4]], dtype=torch.float64)
WORDS = [[3, 1, 2, 0, 2**61]]


def test_sampling_uses_the_words_and_leaves_the_generator_alone() -> None:
    design = Scripted(Systematic(), {4: WORDS})
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    draw = design.sample(SIZES, 2, generator=generator)
    assert torch.equal(generator.get_state(), before)
    assert torch.equal(draw.drawn, Systematic().select(SIZES, 2, torch.tensor(WORDS)).drawn)
    sizes, count = design.requests[4]
    assert torch.equal(sizes, SIZES) and int(count) == 2


def test_everything_else_is_the_inner_design() -> None:
    design = Scripted(Systematic())
    assert (design.fixed_size, design.positive, design.slots(4)) == (True, True, 5)
    assert not Scripted(TopK()).positive
    assert torch.equal(design.inclusion(SIZES, 2), Systematic().inclusion(SIZES, 2))


def test_a_draw_without_words_is_refused() -> None:
    with pytest.raises(KeyError, match="4"):
        Scripted(Systematic(), {3: WORDS}).sample(SIZES, 2, generator=torch.Generator())
