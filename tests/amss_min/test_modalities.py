"""Units: which slices of which parameters, as views, never copies."""

import pytest
import torch
from torch import nn

from amss_min.modalities import Units, columns, heads, named_units, rows, split_head, weights


def unit_sums(units: Units, tensor: torch.Tensor) -> torch.Tensor:
    """Sum of the entries of every unit, (draws, n), found through `scale` alone."""
    found = torch.zeros(units.draws, units.n, dtype=tensor.dtype)
    untouched = tensor.clone()
    units.scale(untouched, torch.zeros_like(found))
    for row in range(units.draws):
        for unit in range(units.n):
            only = torch.zeros_like(found)
            only[row, unit] = 1
            copy = tensor.clone()
            units.scale(copy, only)
            found[row, unit] = (copy - untouched).sum()
    return found


MATRIX = nn.Parameter(torch.arange(1.0, 25.0, dtype=torch.float64).reshape(6, 4))
KINDS = {
    "rows": rows(MATRIX),
    "weights": weights(MATRIX),
    "columns": columns(MATRIX, 1, 3),
    "heads": heads(MATRIX, 3),
    "output heads": heads(MATRIX, 2, axis=1),
    "packed heads": heads(nn.Parameter(torch.arange(1.0, 49.0, dtype=torch.float64).reshape(12, 4)), 2, packed=True),
    "filters": rows(nn.Parameter(torch.randn(5, 2, 3, dtype=torch.float64))),
    "vector": rows(nn.Parameter(torch.randn(5, dtype=torch.float64))),
    "scalar": rows(nn.Parameter(torch.tensor(3.0, dtype=torch.float64))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_norms_are_those_of_the_slices_that_scale_multiplies(kind: str) -> None:
    units = KINDS[kind]
    value = units.parameter.detach()
    expected = unit_sums(units, value.square()).sqrt()
    # A root of a sum of at most 12 squares, in two orders.
    torch.testing.assert_close(units.norms(value), expected, rtol=16 * 2.0**-53, atol=0)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "columns"])
def test_every_entry_belongs_to_exactly_one_unit(kind: str) -> None:
    units = KINDS[kind]
    counts = unit_sums(units, torch.ones_like(units.parameter))
    assert int(counts.sum()) == units.parameter.numel()


def test_columns_cover_their_columns_alone() -> None:
    copy = torch.ones(6, 4)
    KINDS["columns"].scale(copy, torch.zeros(6, 2))
    assert copy[0].tolist() == [1, 0, 0, 1]


def test_a_packed_head_joins_its_rows_of_q_k_and_v() -> None:
    units = KINDS["packed heads"]
    copy = torch.ones(12, 4)
    units.scale(copy, torch.tensor([[0.0, 1.0]]))
    assert copy[:, 0].tolist() == [0, 0, 1, 1] * 3


def test_a_module_gives_filters_rows_and_heads_and_leaves_the_rest() -> None:
    module = nn.Sequential(nn.Conv1d(2, 5, 3), nn.BatchNorm1d(5), nn.Linear(5, 4), nn.MultiheadAttention(8, 2))
    found = {name: (units.kind, units.n) for name, units in named_units("a", [module])}
    assert found == {
        "a: 0.weight": ("rows", 5),
        "a: 2.weight": ("rows", 4),
        "a: 3.in_proj_weight": ("heads", 2),
        "a: 3.out_proj.weight": ("heads", 2),
    }


def test_transposed_convolutions_have_their_filters_on_the_second_axis() -> None:
    ((_, units),) = named_units("a", [nn.ConvTranspose2d(3, 7, 2)])
    assert units.n == 7


def test_attention_with_separate_projections_is_masked_by_head() -> None:
    module = nn.MultiheadAttention(8, 2, kdim=6, vdim=4)
    assert {name: units.n for name, units in named_units("a", [module])} == {
        "a: q_proj_weight": 2,
        "a: k_proj_weight": 2,
        "a: v_proj_weight": 2,
        "a: out_proj.weight": 2,
    }


def test_a_projection_three_times_as_wide_as_its_input_is_not_packed() -> None:
    attention = nn.MultiheadAttention(12, 4, kdim=4, vdim=4)
    kinds = {name: units.split for name, units in named_units("a", [attention])}
    assert kinds["a: k_proj_weight"] == kinds["a: q_proj_weight"] == (0, (4, 3))
    with pytest.raises(ValueError, match="axis must be 0"):
        heads(MATRIX, 3, axis=-1)


def test_split_head_covers_the_head_once() -> None:
    head = nn.Linear(10, 3)
    parts = split_head(head, {"audio": 6, "video": 4})
    assert [(units.start, units.stop) for units in parts.values()] == [(0, 6), (6, 10)]
    with pytest.raises(ValueError, match="widths must add up to in_features=10, found"):
        split_head(head, {"audio": 6, "video": 5})


def test_makers_refuse_what_has_no_such_units() -> None:
    vector = nn.Parameter(torch.zeros(4))
    for maker in (weights, lambda p: columns(p, 0, 1), lambda p: heads(p, 2)):
        with pytest.raises(ValueError, match=r"takes a matrix, found shape \(4,\)"):
            maker(vector)
    with pytest.raises(ValueError, match="columns must satisfy 0 <= start < stop <= 4, found start=3, stop=3"):
        columns(MATRIX, 3, 3)
    with pytest.raises(ValueError, match="heads must divide the projection, found 6 features for num_heads=4"):
        heads(MATRIX, 4)
    with pytest.raises(TypeError, match="real floating parameter"):
        rows(nn.Parameter(torch.zeros(2, dtype=torch.int64), requires_grad=False))
