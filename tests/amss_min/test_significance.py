"""Mutual information rates and keep fractions against numbers worked out by hand."""

import math

import pytest
import torch
from torch import nn

from amss_min import MutualInformationRate, unimodal_logits
from amss_min.significance import label_entropy, released_label_entropy

EQUAL = pytest.approx


def observed(rate: MutualInformationRate, sharp: list[float], classes: int = 2) -> torch.Tensor:
    """Fractions where modality m predicts the right class with logit sharp[m]; features are uniform over 4."""
    target = torch.arange(classes).repeat(3)
    right = nn.functional.one_hot(target, classes).double()
    logits = [scale * right for scale in sharp]
    features = [torch.zeros(len(target), 4) for _ in sharp]
    return rate.fractions(rate.observation(logits, features, target))


def by_hand(sharp: float, classes: int = 2) -> float:
    """u = (H(Y) - CE) / H(Z), with H(Z) = log 4."""
    cross_entropy = math.log(math.exp(sharp) + classes - 1) - sharp
    return (math.log(classes) - cross_entropy) / math.log(4)


def test_the_modality_that_tells_more_keeps_less() -> None:
    found = observed(MutualInformationRate(temperature=0.5), [2.0, 0.5])
    rates = [by_hand(2.0), by_hand(0.5)]
    shares = [math.exp(rate / 0.5) for rate in rates]
    expected = [1 - share / sum(shares) for share in shares]
    assert found.tolist() == EQUAL(expected, rel=1e-12)  # a dozen float64 operations
    assert found[0] < found[1]
    assert float(found.sum()) == EQUAL(1.0, rel=1e-15)


def test_fractions_are_clamped() -> None:
    assert observed(MutualInformationRate(temperature=0.01), [9.0, 0.0]).tolist() == [0.1, 0.9]
    bounds = MutualInformationRate(temperature=0.01, floor=0.3, ceiling=0.6)
    assert observed(bounds, [9.0, 0.0]).tolist() == [0.3, 0.6]


def test_three_modalities_average_two_thirds_and_a_fixed_mean_is_kept() -> None:
    free = observed(MutualInformationRate(temperature=5.0), [2.0, 1.0, 0.0])
    assert float(free.mean()) == EQUAL(2 / 3, rel=1e-15)
    fixed = observed(MutualInformationRate(temperature=5.0, mean=0.4), [2.0, 1.0, 0.0])
    assert float(fixed.mean()) == EQUAL(0.4, rel=1e-15)
    assert fixed.tolist() == EQUAL((free * 0.6).tolist(), rel=1e-14)  # 0.4 / (2/3)


def test_one_modality_keeps_everything() -> None:
    assert observed(MutualInformationRate(), [1.0]).tolist() == [1.0]


def test_features_without_entropy_give_finite_fractions() -> None:
    rate = MutualInformationRate()
    target = torch.tensor([0, 1])
    features = [torch.tensor([[1e4, 0.0], [1e4, 0.0]])] * 2
    logits = [torch.eye(2), torch.eye(2) * 2]
    assert rate.fractions(rate.observation(logits, features, target)).isfinite().all()


def test_label_entropies_of_a_single_class() -> None:
    one_hot = torch.tensor([10.0, 0, 0, 0, 0, 0])
    assert float(label_entropy(one_hot)) == 0
    assert float(released_label_entropy(one_hot)) == EQUAL(math.log((math.e + 5) / math.e), rel=1e-15)
    assert round(float(released_label_entropy(one_hot)), 2) == 1.04


def test_unimodal_logits_split_the_bias_and_add_up() -> None:
    head = nn.Linear(5, 3).double()
    features = {"a": torch.randn(4, 2).double(), "b": torch.randn(4, 3).double()}
    parts = unimodal_logits(head, features)
    torch.testing.assert_close(
        parts["a"] + parts["b"], head(torch.cat(list(features.values()), 1)), rtol=1e-13, atol=1e-14
    )
    torch.testing.assert_close(unimodal_logits(head, {n: 0 * z for n, z in features.items()})["a"][0], head.bias / 2)
    with pytest.raises(ValueError, match="must add up to in_features=5, found"):
        unimodal_logits(head, {"a": features["a"]})
    bare = nn.Linear(5, 3, bias=False).double()
    assert unimodal_logits(bare, features)["b"].shape == (4, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0.0}, "temperature must be positive, found temperature=0.0"),
        ({"floor": 0.0}, "0 < floor <= ceiling <= 1, found floor=0.0, ceiling=0.9"),
        ({"floor": 0.8, "ceiling": 0.5}, "found floor=0.8, ceiling=0.5"),
        ({"smoothing": 1.0}, r"smoothing must be in \[0, 1\), found smoothing=1.0"),
        ({"smoothing": -0.1}, "found smoothing=-0.1"),
        ({"mean": 0.95}, "mean must lie between floor and ceiling, found mean=0.95"),
    ],
)
def test_settings_out_of_range_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MutualInformationRate(**arguments)  # type: ignore[arg-type]


def test_targets_and_features_of_another_kind_are_refused() -> None:
    rate, z = MutualInformationRate(), torch.zeros(4, 3)
    with pytest.raises(
        ValueError, match=r"target must be \(B,\) class indices, .* found torch.int64 of shape \(4, 2\)"
    ):
        rate.observation([z], [z], torch.zeros(4, 2, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"features must be \(B, D\) with D >= 2, found \[\(4, 1\)\]"):
        rate.observation([z], [z[:, :1]], torch.zeros(4, dtype=torch.int64))
    with pytest.raises(ValueError, match="a row for each of the 4 targets"):
        rate.observation([z], [z[:3]], torch.zeros(4, dtype=torch.int64))
