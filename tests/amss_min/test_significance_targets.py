"""Information about classes, labels and quantities, against plain loops; pooling, invariance, smoothing, errors."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from amss_min import AMSS, MutualInformationRate, Released, reference
from amss_min.observation import Classes, Labels, Observation, Quantities, observation, observation_from
from amss_min.significance import label_entropy

Make = Callable[[torch.Generator], Tensor]

MODALITIES, BATCH, OUTPUTS = 3, 24, 4
MOST = math.log(2**23)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def classes(source: torch.Generator) -> Tensor:
    return torch.randint(OUTPUTS, (BATCH,), generator=source)


def labels(source: torch.Generator) -> Tensor:
    return torch.rand(BATCH, OUTPUTS, generator=source) < torch.tensor([0.1, 0.5, 0.7, 0.0])  # the last is never set


def quantities(source: torch.Generator) -> Tensor:
    return torch.randn(BATCH, OUTPUTS, generator=source, dtype=torch.float64) * torch.tensor([1.0, 10.0, 0.1, 3.0])


KINDS: dict[type[Observation], Make] = {Classes: classes, Labels: labels, Quantities: quantities}
each_kind = pytest.mark.parametrize(("kind", "make"), KINDS.items(), ids=[kind.__name__ for kind in KINDS])


def batch(make: Make, seed: int = 0) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Logits that know something of the target, features, and the target."""
    source = generator(seed)
    target = make(source)
    known = nn.functional.one_hot(target, OUTPUTS) if target.ndim == 1 else target
    scale = known.double().std(0, correction=0).clamp_min(0.1) if target.is_floating_point() else 1.0
    logits = []
    for modality in range(MODALITIES):
        noise = torch.randn(BATCH, OUTPUTS, generator=source, dtype=torch.float64)
        logits.append(known.double() + scale * (0.2 + 0.5 * modality) * noise)
    features = [torch.randn(BATCH, 3 + m, generator=source, dtype=torch.float64) for m in range(MODALITIES)]
    return logits, features, target


def information(observed: Observation) -> list[float]:
    rate = MutualInformationRate()
    shares = observed.feature_entropy / observed.samples
    return (rate.rates(observed) * shares).tolist()


@each_kind
def test_information_and_keep_fractions_are_those_of_the_plain_loops(kind: type[Observation], make: Make) -> None:
    for seed in range(5):
        logits, features, target = batch(make, seed)
        rate = MutualInformationRate(temperature=2.0, floor=0.01, ceiling=0.99, mean=0.4)
        observed = rate.observation(logits, features, target)
        assert type(observed) is kind
        expected = [reference.information(f, target) for f in logits]
        # Some hundred float64 operations on numbers below 100.
        assert information(observed) == pytest.approx(expected, rel=1e-11, abs=1e-11)
        twin = reference.keep_fractions(rate, logits, features, target)
        assert rate.fractions(observed).tolist() == pytest.approx(twin, rel=1e-11)
        assert len(set(twin)) == MODALITIES and all(0.01 < value < 0.99 for value in twin)  # nothing is clamped


def test_classes_are_observed_to_the_last_bit_as_by_the_formulas_of_torch() -> None:
    logits, features, target = batch(classes)
    found = MutualInformationRate().rates(observation(logits, features, target))
    one_hot = nn.functional.one_hot(target, OUTPUTS).double()
    loss = torch.stack([nn.functional.cross_entropy(f, one_hot, reduction="sum") for f in logits])
    spread = torch.stack([torch.special.entr(z.softmax(-1)).sum() for z in features])
    assert torch.equal(found, (label_entropy(one_hot.sum(0)) - loss / BATCH) / (spread / BATCH))


def test_labels_by_hand() -> None:
    # Label 0 is set in half of the rows and called right by a logit of 2; label 1 is never set, and its logit is 0.
    target = torch.tensor([[True, False], [False, False]])
    logits = torch.tensor([[2.0, 0.0], [-2.0, 0.0]])
    observed = observation([logits], [torch.zeros(2, 2)], target)
    expected = math.log(2) - math.log1p(math.exp(-2)) + 0 - math.log(2)
    assert information(observed) == pytest.approx([expected], rel=1e-12)


def test_a_single_label_tells_what_two_classes_tell() -> None:
    source = generator()
    target = torch.rand(BATCH, generator=source) < 0.3
    logit = torch.randn(BATCH, generator=source, dtype=torch.float64)
    z = torch.zeros(BATCH, 2)
    label = observation([logit.unsqueeze(1)], [z], target.unsqueeze(1))
    pair = observation([torch.stack([torch.zeros_like(logit), logit], 1)], [z], target.long())
    assert information(label) == pytest.approx(information(pair), rel=1e-12)


def test_quantities_by_hand() -> None:
    # Var 1 and MSE 1/4 in the first column: ln 2. The second is predicted worse than by its mean, and counts 0.
    y = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])
    predicted = torch.tensor([[0.5, -9.0], [-0.5, 9.0]])
    observed = observation([predicted], [torch.zeros(2, 2)], y)
    assert information(observed) == pytest.approx([math.log(2)], rel=1e-15)
    vector = observation([predicted[:, :1]], [torch.zeros(2, 2)], y[:, 0])
    assert information(vector) == information(observed)


def test_a_constant_quantity_tells_nothing_and_a_perfect_fit_tells_as_much_as_float32_resolves() -> None:
    y = torch.tensor([[0.1, 1.0], [0.1, 2.0], [0.1, 4.0]], dtype=torch.float64)
    z = torch.zeros(3, 2)
    assert information(observation([y[:, :1], y[:, :1] + 1], [z, z], y[:, 0])) == [0.0, 0.0]
    assert information(observation([y], [z], y)) == pytest.approx([MOST], rel=1e-15)
    nearly = observation([y + 1e-12], [z], y)
    assert information(nearly) == pytest.approx([MOST], rel=1e-15)
    assert reference.information(y, y) == pytest.approx(MOST, rel=1e-15)


def test_shift_and_scale_of_a_quantity_change_nothing() -> None:
    logits, features, y = batch(quantities)
    plain = information(observation(logits, features, y))
    scale = torch.tensor([2.0**40, -(2.0**-30), 2.0, -1.0], dtype=torch.float64)
    scaled = observation([f * scale for f in logits], features, y * scale)  # powers of two: nothing is rounded
    assert information(scaled) == plain
    offset = 2.0**20
    shifted = observation([f + offset for f in logits], features, y + offset)
    # The shift itself rounds y and f by 2^-33, next to deviations of .02 and more; the logarithm of each of the four
    # ratios moves by less than a hundred times that. A sum of squares would lose all digits but four.
    assert information(shifted) == pytest.approx(plain, abs=4 * 100 * 2.0**-33 / 0.02)


@each_kind
def test_micro_batches_pool_to_the_large_batch(kind: type[Observation], make: Make) -> None:
    logits, features, target = batch(make)
    whole = observation(logits, features, target)
    cuts = [slice(0, 1), slice(1, 9), slice(9, BATCH)]
    parts = [observation([f[c] for f in logits], [z[c] for z in features], target[c]) for c in cuts]
    for order in ([0, 1, 2], [2, 0, 1]):
        one, two, three = (parts[i] for i in order)
        for pooled in ((one + two) + three, one + (two + three)):
            for name, value in vars(whole).items():
                torch.testing.assert_close(getattr(pooled, name), value, rtol=1e-13, atol=1e-14)


def test_pooled_quantities_with_a_large_offset_keep_their_variance() -> None:
    # Integers: every sum is exact, so the pooled scatter is that of the whole to the last bit but a few.
    y = torch.arange(64, dtype=torch.float64).remainder(7) + 2.0**30
    z, f = torch.zeros(64, 2), torch.zeros(64, 1)
    parts = [observation([f[:8]], [z[:8]], y[start : start + 8]) for start in range(0, 64, 8)]
    pooled = parts[0]
    for part in parts[1:]:
        pooled = pooled + part
    assert isinstance(pooled, Quantities)
    exact = float(((y - 2.0**30) - (y - 2.0**30).mean()).square().sum())
    assert float(pooled.scatter) == pytest.approx(exact, rel=1e-6)  # means near 2^30 are held to 2^-23
    assert float(y.square().sum() - 64 * y.mean() ** 2) != pytest.approx(exact, rel=1e-2)  # what sums of squares give


@pytest.mark.parametrize(
    ("make", "spoiled"), [(classes, 0), (classes, 1), (labels, 0), (labels, 1), *((quantities, i) for i in range(3))]
)
def test_a_batch_that_is_not_finite_counts_for_nothing(make: Make, spoiled: int) -> None:
    logits, features, target = batch(make)
    bad = [[value.clone() for value in logits], [value.clone() for value in features], target.clone()]
    (bad[2] if spoiled == 2 else bad[spoiled][1])[3, 1] = [math.inf, math.inf, math.nan][spoiled]
    nothing = observation(*bad)
    assert all(not value.any() for value in vars(nothing).values())
    whole = observation(logits, features, target)
    for pooled in (nothing + whole, whole + nothing):
        assert all(torch.equal(getattr(pooled, name), value) for name, value in vars(whole).items())
    rate = MutualInformationRate()
    assert rate.fractions(nothing).tolist() == [rate.ceiling] * MODALITIES
    assert rate.fractions(nothing + nothing).tolist() == [rate.ceiling] * MODALITIES


def test_an_observation_is_found_again_by_its_fields() -> None:
    for make in KINDS.values():
        seen = observation(*batch(make))
        again = observation_from(vars(seen))
        assert type(again) is type(seen) and all(vars(again)[name] is value for name, value in vars(seen).items())
    with pytest.raises(ValueError, match=r"the fields of one kind of target, found \['samples'\]"):
        observation_from({"samples": torch.zeros(())})


def test_targets_that_do_not_fit_are_refused_with_what_was_found() -> None:
    z = torch.zeros(BATCH, 3)
    with pytest.raises(ValueError, match=r"each of the 2 labels of the target, found \[\(24, 3\)\] for .* \(24, 2\)"):
        observation([z], [z], torch.zeros(BATCH, 2, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"each of the 1 quantities of the target, found \[\(24, 3\)\]"):
        observation([z], [z], torch.zeros(BATCH))
    for target in (torch.zeros(2, 2, 2), torch.zeros(0), torch.zeros(3, dtype=torch.complex64)):
        with pytest.raises(ValueError, match=r"target must be \(B,\) class indices, \(B, L\) bool labels, or floating"):
            observation([z], [z], target)
    seen = {kind: observation(*batch(make)) for kind, make in KINDS.items()}
    with pytest.raises(TypeError, match="must be of one kind, found Classes and Quantities"):
        seen[Classes] + seen[Quantities]
    narrow = observation([z[:, :1]], [z], torch.zeros(BATCH))
    with pytest.raises(ValueError, match=r"have the same outputs, found feature_entropy of shapes \(\(1,\), \(3,\)\)"):
        narrow + seen[Quantities]
    rate = MutualInformationRate(released_entropy=True)
    with pytest.raises(ValueError, match=r"released_entropy is the entropy of classes, .* found torch.float64"):
        rate.observation(*batch(quantities))


def masked(rate: MutualInformationRate, released: Released | None = None) -> tuple[AMSS, list[nn.Parameter]]:
    parameters = [nn.Parameter(torch.ones(20, 2)) for _ in range(MODALITIES)]
    names = [f"m{index}" for index in range(MODALITIES)]
    amss = AMSS(dict(zip(names, parameters, strict=True)), keep=rate, generator=generator(), released=released)
    return amss, parameters


def observe(amss: AMSS, values: tuple[list[Tensor], list[Tensor], Tensor]) -> None:
    logits, features, target = values
    amss.observe(
        logits=dict(zip(amss.modalities, logits, strict=True)),
        features=dict(zip(amss.modalities, features, strict=True)),
        target=target,
    )


def step(amss: AMSS, parameters: list[nn.Parameter]) -> list[float]:
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    return list(amss.mask_gradients().keep.values())


@each_kind
def test_a_step_takes_its_fractions_from_every_kind_of_target(kind: type[Observation], make: Make) -> None:
    rate = MutualInformationRate(temperature=2.0)
    amss, parameters = masked(rate)
    values = batch(make)
    observe(amss, values)
    saved = amss.state_dict()
    expected = reference.keep_fractions(rate, *values)
    assert step(amss, parameters) == pytest.approx(expected, rel=1e-11)
    amss.load_state_dict(saved)
    assert step(amss, parameters) == pytest.approx(expected, rel=1e-11)


def test_smoothed_fractions_follow_the_recursion_and_resume_from_a_state() -> None:
    rate = MutualInformationRate(temperature=20.0, smoothing=0.75)
    amss, parameters = masked(rate)
    batches = [batch(quantities, seed) for seed in range(5)]
    raw = [reference.keep_fractions(rate, *values) for values in batches]
    expected = raw[0]
    for number, values in enumerate(batches):
        if number:
            expected = [0.75 * old + 0.25 * new for old, new in zip(expected, raw[number], strict=True)]
        if number == 3:  # resumed elsewhere, between steps
            state = amss.state_dict()
            amss, parameters = masked(rate)
            amss.load_state_dict(state)
        peeked = amss.keep_for(
            logits=dict(zip(amss.modalities, values[0], strict=True)),
            features=dict(zip(amss.modalities, values[1], strict=True)),
            target=values[2],
        )
        observe(amss, values)
        found = step(amss, parameters)
        assert found == pytest.approx(expected, rel=1e-11)
        assert peeked.tolist() == found
    assert expected != pytest.approx(raw[-1], rel=1e-3)


def test_smoothing_keeps_the_past_where_nothing_finite_was_observed() -> None:
    amss, parameters = masked(MutualInformationRate(temperature=2.0, smoothing=0.5))
    logits, features, target = batch(classes)
    observe(amss, (logits, features, target))
    first = step(amss, parameters)
    observe(amss, ([f * math.nan for f in logits], features, target))
    assert step(amss, parameters) == first


def test_looking_at_the_fractions_of_a_batch_changes_nothing() -> None:
    amss, _ = masked(MutualInformationRate(temperature=2.0, smoothing=0.5))
    logits, features, target = batch(classes)
    named = {"logits": dict(zip(amss.modalities, logits, strict=True))}
    named["features"] = dict(zip(amss.modalities, features, strict=True))
    amss.keep_for(**named, target=target)
    with pytest.raises(RuntimeError, match="call observe"):
        amss.mask_gradients()
    fixed = AMSS({"a": nn.Linear(2, 3)}, keep=0.5)
    assert fixed.keep_for(logits={}, features={}, target=target).tolist() == [0.5]
