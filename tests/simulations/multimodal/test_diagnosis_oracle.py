"""The diagnosis against closed forms in plain numpy, where every minibatch is enumerated."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from amss_min import AMSS, AMSSPlus, GradientNorm, HorvitzThompson, SimpleRandom, Successive
from simulations.multimodal.diagnosis import diagnose
from tests.simulations.multimodal.diagnosed import INPUTS, HalfSquares, Part, Point, linear_part, network

Array = NDArray[np.float64]
ROWS = 7


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def unshuffled(n: int) -> torch.Generator:
    """A generator whose next permutation of n is the identity."""
    found = (s for s in itertools.count() if torch.equal(torch.randperm(n, generator=generator(s)), torch.arange(n)))
    return generator(next(found))


def gradients(net: Any, part: Part) -> dict[str, list[Array]]:
    """Row by row: f = sum_m W_m A_m x_m + b, so dW_m = (f - y) z_m^T and dA_m = W_m^T (f - y) x_m^T."""
    a = {name: encoder.weight.detach().numpy() for name, encoder in net.encoders.items()}
    w = net.fusion.head.weight.detach().numpy()
    blocks = dict(zip(INPUTS, (w[:, :4], w[:, 4:]), strict=True))
    found: dict[str, list[Array]] = {}
    for row in range(len(part)):
        x = {name: values[row].numpy() for name, values in part.features.items()}
        z = {name: a[name] @ x[name] for name in INPUTS}
        error = sum(blocks[name] @ z[name] for name in INPUTS) + net.fusion.head.bias.detach().numpy()
        error = error - part.target[row].numpy()
        for name in INPUTS:
            found.setdefault(f"{name}: weight", []).append(np.outer(blocks[name].T @ error, x[name]))
            found.setdefault(f"{name}: columns", []).append(np.outer(error, z[name]))
    return found


def shares(units: Array, draws: int) -> Array:
    """Inclusion at k = 1: q_u = |g_u|^2 / sum over the draw; units (U, d)."""
    energy = (units**2).sum(1).reshape(draws, -1)
    return np.asarray((energy / energy.sum(1, keepdims=True)).reshape(-1))


def expected(per_row: list[Array], *, columns: bool, lr: float) -> dict[str, float]:
    """Everything for AMSS with k = 1 and minibatches of one row, unit by unit."""
    units = [g.reshape(-1, 1) if columns else g for g in per_row]
    draws = per_row[0].shape[0] if columns else 1
    full = np.mean(units, axis=0)
    pi = [shares(g, draws) for g in units]
    d = np.mean(pi, axis=0)
    c = np.mean([p[:, None] * g for p, g in zip(pi, units, strict=True)], axis=0) - d[:, None] * full
    h = np.mean([p[:, None] * g for p, g in zip(pi, units, strict=True)], axis=0)
    s = np.array([((g - full) * full).sum(1) / np.sqrt((full**2).sum(1)) for g in units])
    gamma = (s**3).mean(0) / (s**2).mean(0) ** 1.5
    energies = [(g**2).sum(1) for g in units]
    c2 = (c**2).sum(1)
    left = [np.sqrt(((1 - p) ** 2 * e).sum()) for p, e in zip(pi, energies, strict=True)]
    return {
        "gradient_squared": float((full**2).sum()),
        "noise_variance": float(np.mean([((g - full) ** 2).sum() for g in units])),
        "noise_skewness.signed": float(gamma.mean()),
        "noise_skewness.absolute": float(np.abs(gamma).mean()),
        "omega.mean": float(np.mean([(e * (p - 1)).sum() / e.sum() for p, e in zip(pi, energies, strict=True)])),
        "left_out.norm": float(np.mean(left)),
        "left_out.share": float(np.mean([n / np.sqrt(e.sum()) for n, e in zip(left, energies, strict=True)])),
        "bias.squared": float(c2.sum()),
        "kept.least": float(d.min()),
        "kept.mean": float(d.mean()),
        "decomposition.gradient": float(np.sqrt((full**2).sum())),
        "decomposition.kept": float(np.sqrt(((d[:, None] * full) ** 2).sum())),
        "decomposition.bias": float(np.sqrt(c2.sum())),
        "decomposition.mean_field": float(np.sqrt((h**2).sum())),
        "descent": float((full * h).sum() / (full**2).sum()),
        "floor.bound": float(2 * (c2 / d).sum() / d.min()),
        "floor.mean_field": float((c2 / d**2).sum()),
        "step.value": float(lr * d.min() / 2),
    }


def at(entry: dict[str, Any], place: str) -> Any:
    for key in place.split("."):
        entry = entry[key]
    if isinstance(entry, dict):
        assert entry["standard_error"] == 0  # every minibatch was visited
        return entry["value"]
    return entry


def named(record: dict[str, Any], start: str) -> dict[str, Any]:
    (entry,) = [entry for name, entry in record["tensors"].items() if name.startswith(start)]
    return dict(entry)


def test_every_number_of_a_self_important_mask_is_that_of_the_closed_form() -> None:
    net, part = network(), linear_part(ROWS)
    masks = AMSS(net.parts(), keep=0.25, generator=generator())  # k = 1 of 4 units
    record = diagnose(net, masks, part, HalfSquares(), 1, lr=0.1, generator=generator(1))
    assert record["exact"] and record["minibatches"] == ROWS
    for name, per_row in gradients(net, part).items():
        entry = named(record, name)
        assert entry["floor"]["case"] == "self-importance" and entry["modality"] == name.split(":")[0]
        for place, value in expected(per_row, columns="columns" in name, lr=0.1).items():
            # Tens of float64 operations; inclusion probabilities are rational.
            assert at(entry, place) == pytest.approx(value, rel=1e-9, abs=1e-12), (name, place)


def test_the_network_is_all_tensors_together() -> None:
    net, part = network(), linear_part(ROWS)
    masks = AMSS(net.parts(), keep=0.25)
    record = diagnose(net, masks, part, HalfSquares(), 1, lr=0.1, generator=generator())
    own, network_entry = list(record["tensors"].values()), record["network"]
    for place in ("gradient_squared", "noise_variance", "bias.squared", "floor.mean_field"):
        assert at(network_entry, place) == pytest.approx(sum(at(entry, place) for entry in own), rel=1e-12)
    assert at(network_entry, "kept.least") == min(at(entry, "kept.least") for entry in own)
    largest = max(at(entry, "omega.largest") for entry in own)
    assert at(network_entry, "omega.largest") == largest
    weighted = sum(at(e, "floor.bound") * at(e, "kept.least") for e in own) / at(network_entry, "kept.least")
    assert at(network_entry, "floor.bound") == pytest.approx(weighted, rel=1e-12)


def mean_field(w: float) -> float:
    """h_1 at (w, 0) for skewed noise in the first coordinate and +-1 in the second, one of two drawn by energy."""
    return sum(share * (w + xi) ** 3 / ((w + xi) ** 2 + 1) for xi, share in ((3.0, 0.1), (-1 / 3, 0.9)))


def test_at_the_wrong_point_of_skewed_noise_the_floor_is_the_gradient_there() -> None:
    low, high = -1.0, 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if mean_field(middle) < 0 else (low, middle)
    noise = [[xi, sign] for xi in [3.0] + 9 * [-1 / 3] for sign in (1.0, -1.0)]
    rows = torch.tensor(noise, dtype=torch.float64)
    net = Point([low, 0.0])
    masks = AMSS({"noise": net.w}, keep=0.5)
    record = diagnose(
        net, masks, Part({"noise": rows}, torch.zeros_like(rows)), HalfSquares(), 1, lr=1.0, generator=generator()
    )
    entry = record["network"]
    assert low == pytest.approx(-0.39481, abs=5e-6)  # claim skewed-noise-wrong-point
    assert at(entry, "gradient_squared") == pytest.approx(low**2, rel=1e-12)
    assert at(entry, "floor.mean_field") == pytest.approx(low**2, rel=1e-9)
    assert at(entry, "decomposition.mean_field") == pytest.approx(0, abs=1e-7)  # the root of a difference of ~1
    assert at(entry, "noise_skewness.units") == 1  # the second coordinate has no gradient to project on
    assert at(entry, "noise_skewness.signed") == pytest.approx(-(0.8 / 0.3), rel=1e-9)  # (1-2p)/sqrt(p(1-p)), w < 0
    assert at(entry, "bias.squared") <= at(entry, "bias.limit")


@pytest.mark.parametrize("importance", [None, GradientNorm(mix=1.0)], ids=["simple random", "mixed wholly"])
def test_a_mask_that_ignores_size_has_no_bias_and_no_floor(importance: GradientNorm | None) -> None:
    net, part = network(), linear_part(ROWS)
    design = SimpleRandom() if importance is None else Successive()
    masks = AMSS(net.parts(), keep=0.5, design=design, importance=importance)
    record = diagnose(net, masks, part, HalfSquares(), 1, lr=0.1, generator=generator())
    for entry in record["tensors"].values():
        assert at(entry, "floor.case") == "independent" and at(entry, "floor.bound") == 0
        assert at(entry, "bias.squared") <= 1e-28 * at(entry, "noise_variance")  # rounding of a mean of 7 numbers
        assert at(entry, "step.value") == 0.1 and at(entry, "kept.least") == pytest.approx(0.5, rel=1e-12)
        assert at(entry, "descent") == pytest.approx(0.5, rel=1e-12)
        assert at(entry, "omega.mean") == pytest.approx(-0.5, rel=1e-12)


def test_a_full_gradient_has_no_noise_and_no_floor() -> None:
    net, part = network(), linear_part(ROWS)
    record = diagnose(net, AMSS(net.parts(), keep=0.5), part, HalfSquares(), 64, lr=0.1, generator=generator())
    assert record["exact"] and record["minibatches"] == 1 and record["batch"] == ROWS
    for entry in record["tensors"].values():
        assert at(entry, "floor.case") == "full gradient" and at(entry, "floor.bound") == 0
        assert at(entry, "noise_variance") == 0 and at(entry, "bias.squared") == 0
        assert entry["noise_skewness"]["reason"] == "no unit has noise along its gradient"


def test_an_unbiased_mask_states_one_plus_omega_and_the_bias_that_0_1_weights_would_have() -> None:
    net, part = network(), linear_part(ROWS)
    plus = AMSSPlus(net.parts(), keep=0.25, importance=GradientNorm(mix=0.1), design=Successive())
    zero_one = AMSS(net.parts(), keep=0.25, importance=GradientNorm(mix=0.1))
    one, two = (
        diagnose(net, masks, part, HalfSquares(), 1, lr=0.1, generator=generator())["tensors"]
        for masks in (plus, zero_one)
    )
    for name, entry in one.items():
        assert entry["multiplier"] == "inclusion of a unit" and two[name]["multiplier"] == "mean of the mask"
        assert entry["bias"] == two[name]["bias"] and entry["descent"] == two[name]["descent"]
        assert entry["floor"]["case"] == "unbiased" and at(entry, "floor.bound") == 0
        assert at(entry, "step.value") == pytest.approx(0.1 / (1 + at(entry, "omega.largest")), rel=1e-15)
        assert at(two[name], "floor.bound") > 0
        # k = 1 by p = .9 |g| / sum |g| + .1 / 4 in each draw: the second moment is sum |g|^2 / p.
        per_row = next(g for key, g in gradients(net, part).items() if name.startswith(key))
        ratios = []
        for g in per_row:
            norms = np.abs(g) if "columns" in name else np.sqrt((g**2).sum(1)).reshape(1, -1)
            p = 0.9 * norms / norms.sum(1, keepdims=True) + 0.1 / 4
            ratios.append((norms**2 / p).sum() / (norms**2).sum() - 1)
        assert at(entry, "omega.mean") == pytest.approx(float(np.mean(ratios)), rel=1e-9)
    assert isinstance(plus.weighting, HorvitzThompson)


@pytest.mark.parametrize("rows", [6, 7])
def test_the_mean_over_all_partitions_is_that_over_all_minibatches(rows: int) -> None:
    """Unbiased, exactly: c (through the descent, which is linear in it), kept, omega and the noise; 3 pairs of rows."""
    net, part = network(), linear_part(rows)
    masks = AMSS({"audio": net.encoders["audio"]}, keep=0.25)
    per_row = gradients(net, part)["audio: weight"]
    pairs = [(per_row[i] + per_row[j]) / 2 for i, j in itertools.combinations(range(rows), 2)]
    wanted = expected(pairs, columns=False, lr=0.1)
    sums = dict.fromkeys(("descent", "kept.mean", "omega.mean", "noise_variance", "left_out.share"), 0.0)
    orders = [o for o in itertools.permutations(range(rows)) if o[0] < o[1] and o[2] < o[3] and o[4] < o[5]]
    orders = [o for o in orders if o[0] < o[2] < o[4]]
    assert len(orders) == {6: 15, 7: 105}[rows]
    same = unshuffled(rows).get_state()
    for order in orders:
        shuffled = generator()
        shuffled.set_state(same)
        record = diagnose(net, masks, part.rows(torch.tensor(order)), HalfSquares(), 2, lr=0.1, generator=shuffled)
        for place in sums:
            value: Any = named(record, "audio: weight")
            for key in place.split("."):
                value = value[key]
            sums[place] += float(value["value"] if isinstance(value, dict) else value) / len(orders)
    for place, value in sums.items():
        assert value == pytest.approx(wanted[place], rel=1e-9), place
