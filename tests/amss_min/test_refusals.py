"""What the masked step refuses, and the rule, finding and reason that it gives."""

import warnings
from typing import Any

import pytest
import torch
from torch import nn

from amss_min import (
    AMSS,
    AMSSPlus,
    Indicator,
    MutualInformationRate,
    RankConditioned,
    ShiftedInverse,
    Successive,
    Systematic,
    TopK,
    columns,
    rows,
    weights,
)
from tests.amss_min.nets import batch, observe, rate_amss, with_gradients


def parameter(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(shape))


def test_a_parameter_in_two_modalities_is_an_error() -> None:
    layer = nn.Linear(3, 4)
    with pytest.raises(ValueError, match=r"belongs to one modality .* the same one as 'a: weight' and 'b: weight'"):
        AMSSPlus({"a": layer, "b": layer}, keep=0.5)
    head = nn.Linear(6, 2)
    with pytest.raises(ValueError, match="belongs to one modality"):  # shared, though without units in one of them
        embedding = nn.Embedding(4, 3)
        AMSSPlus({"a": [embedding, nn.Linear(2, 2)], "b": embedding.weight}, keep=0.5)
    with pytest.raises(ValueError, match="masked once"):
        AMSSPlus({"a": [rows(layer.weight), weights(layer.weight)]}, keep=0.5)
    with pytest.raises(ValueError, match="belongs to one modality"):
        AMSSPlus({"a": columns(head.weight, 0, 4), "b": columns(head.weight, 3, 6)}, keep=0.5)
    AMSSPlus({"a": columns(head.weight, 0, 3), "b": columns(head.weight, 3, 6)}, keep=0.5)


def test_a_modality_without_units_is_an_error() -> None:
    without: list[Any] = [[], nn.ReLU(), nn.BatchNorm1d(3)]
    for empty in without:
        with pytest.raises(ValueError, match="modality 'a' must have at least one unit to mask, found none"):
            AMSSPlus({"a": empty}, keep=0.5)
    with pytest.raises(ValueError, match="at least one modality, found none"):
        AMSSPlus({}, keep=0.5)
    with pytest.raises(TypeError, match="modality 'a' takes modules, parameters and units, found str"):
        AMSSPlus({"a": ["weight"]}, keep=0.5)  # type: ignore[list-item]


@pytest.mark.parametrize("keep", [0.0, -0.2, 1.3, float("nan")])
def test_keep_outside_the_unit_interval_is_refused(keep: float) -> None:
    with pytest.raises(ValueError, match=r"keep must be in \(0, 1\], found keep=.* for modality 'audio'"):
        AMSS(with_gradients().modalities(), keep={"audio": keep, "video": 0.5})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"keep": "0.5"}, "keep must be a number, found str for modality 'a'"),
        ({"keep": True}, "keep must be a number, found bool for modality 'a'"),
        ({"keep": torch.tensor(0.5)}, "keep must be a number, found Tensor for modality 'a'"),
        ({"design": Systematic}, "design must be an instance of Design, found the class Systematic"),
        ({"importance": "norm"}, "importance must be an instance of Importance, found 'norm'"),
        ({"released": "yes"}, "released must be True or a Released, found 'yes'"),
    ],
)
def test_arguments_of_another_kind_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        AMSSPlus({"a": nn.Linear(2, 3)}, **({"keep": 0.5} | arguments))


def test_modalities_must_be_a_mapping() -> None:
    with pytest.raises(TypeError, match="modalities must map names to modules, parameters or units, found Linear"):
        AMSSPlus(nn.Linear(2, 3), keep=0.5)


def test_a_mistyped_modality_gets_the_close_name() -> None:
    net = with_gradients()
    with pytest.raises(ValueError, match=r"keep names modalities .* found 'vido'; did you mean 'video'\?"):
        AMSS(net.modalities(), keep={"audio": 0.5, "vido": 0.5})
    with pytest.raises(ValueError, match=r"keep needs every modality, found none for \['video'\]"):
        AMSS(net.modalities(), keep={"audio": 0.5})
    amss = rate_amss(net)
    x, y = batch()
    features = net.features(x)
    with pytest.raises(ValueError, match=r"observe: logits names modalities .* found 'vdeo'; did you mean 'video'\?"):
        amss.observe(logits={"audio": y, "vdeo": y}, features=features, target=y)


def test_observe_forgotten_is_an_error_that_says_so() -> None:
    net = with_gradients()
    amss = rate_amss(net)
    with pytest.raises(RuntimeError, match="call observe"):
        amss.mask_gradients()
    observe(amss, net, *batch())
    amss.mask_gradients()
    with pytest.raises(RuntimeError, match="found no observation since the last one"):
        amss.mask_gradients()


def test_a_tensor_of_more_units_than_a_design_takes_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"from 1 to 2\^20 units under Systematic\(\), found 1048577 in 'a: rows"):
        AMSSPlus({"a": nn.Parameter(torch.zeros(2**20 + 1))}, keep=0.5)
    with pytest.raises(ValueError, match="found 0 in 'a: weight'"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of initialising nothing
        AMSSPlus({"a": nn.Linear(5, 0)}, keep=0.5)


def test_combinations_that_cannot_do_what_they_say_are_refused() -> None:
    p = parameter(8, 3)
    with pytest.raises(ValueError, match="AMSSPlus must be unbiased, found Indicator"):
        AMSSPlus({"a": p}, keep=0.5, weighting=Indicator())
    with pytest.raises(ValueError, match=r"positive inclusion probability for every unit, found TopK\(\)"):
        AMSSPlus({"a": p}, keep=0.5, design=TopK())
    with pytest.raises(ValueError, match=r"clocks of Successive sampling, found Systematic\(\)"):
        AMSSPlus({"a": p}, keep=0.5, weighting=RankConditioned())
    with pytest.raises(ValueError, match="it needs released=True"):
        AMSSPlus({"a": p}, keep=0.5, weighting=ShiftedInverse())


def test_rank_conditioned_refuses_a_single_draw_and_names_the_tensor() -> None:
    layers = nn.Sequential(nn.Linear(2, 20), nn.Linear(20, 4))
    with pytest.raises(ValueError, match=r"k=1 of n=4 in 'a: 1.weight' .* second moment is infinite"):
        AMSSPlus({"a": layers}, keep=0.2, design=Successive(), weighting=RankConditioned())
    AMSSPlus({"a": layers}, keep=0.5, design=Successive(), weighting=RankConditioned())
    with pytest.raises(ValueError, match=r"k=1 of n=4"):  # the floor of computed fractions counts
        AMSSPlus(
            {"a": layers, "b": nn.Linear(2, 50)},
            keep=MutualInformationRate(),
            design=Successive(),
            weighting=RankConditioned(),
        )
