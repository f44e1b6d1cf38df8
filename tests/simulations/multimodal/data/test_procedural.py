from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from simulations.multimodal.data.gratings import Clutter, directions, drawn, read_back
from simulations.multimodal.data.procedural import (
    MODALITIES,
    PRESETS,
    bayes_accuracy,
    procedural,
    shown_classes,
)

HARD = {"audio": 1.0, "image": 1.0}


def enumerated(classes: int, accuracy: dict[str, Fraction], confusions: int) -> dict[str, Fraction]:
    """Bayes accuracies in exact arithmetic, errors independent: over every y, every error of each modality."""
    laws: dict[str, dict[tuple[int, ...], dict[int, Fraction]]] = {"audio": {}, "image": {}, "pair": {}}
    for y, a, i in product(range(classes), range(confusions + 1), range(confusions + 1)):
        chances = [
            accuracy[name] if shift == 0 else (1 - accuracy[name]) / confusions
            for name, shift in zip(MODALITIES, (a, i), strict=True)
        ]
        audio, image = (y + a) % classes, (y + i) % classes
        for name, seen in (("audio", (audio,)), ("image", (image,)), ("pair", (audio, image))):
            row = laws[name].setdefault(seen, {})
            row[y] = row.get(y, Fraction(0)) + chances[0] * chances[1] / classes
    return {name: sum((max(row.values()) for row in law.values()), Fraction(0)) for name, law in laws.items()}


@pytest.mark.parametrize(("classes", "confusions"), [(2, 1), (3, 2), (6, 1), (6, 2), (6, 5), (7, 3)])
@pytest.mark.parametrize(("audio", "image"), [("4/5", "3/5"), ("1", "1"), ("19/20", "7/10"), ("1/2", "1/2")])
def test_bayes_accuracies_are_those_of_exact_enumeration(classes: int, confusions: int, audio: str, image: str) -> None:
    accuracy = {"audio": Fraction(audio), "image": Fraction(image)}
    exact = enumerated(classes, accuracy, confusions)
    found = bayes_accuracy(classes, {name: float(value) for name, value in accuracy.items()}, confusions=confusions)
    assert exact["audio"] == accuracy["audio"] and exact["image"] == accuracy["image"]
    assert found == pytest.approx({name: float(value) for name, value in exact.items()}, abs=classes**2 * 2**-50)


def test_with_whole_overlap_errors_come_together() -> None:
    accuracy = {"audio": 0.8, "image": 0.6}
    data = procedural(500, accuracy=accuracy, overlap=1.0, image_size=16, mel_bins=16, frames=16)
    wrong = {name: shown_classes(data, name) != data.target for name in MODALITIES}
    assert wrong["audio"].any() and (wrong["image"] & ~wrong["audio"]).any()
    assert not (wrong["audio"] & ~wrong["image"]).any()


@pytest.mark.parametrize("size", [16, 32, 47])
@pytest.mark.parametrize("classes", [2, 6, 12])
@pytest.mark.parametrize("difficulty", [{"audio": 0.0, "image": 0.0}, HARD])
def test_what_a_picture_shows_depends_on_the_class_and_chance_alone_and_is_read_back(
    size: int, classes: int, difficulty: dict[str, float]
) -> None:
    # With accuracy 1 every modality shows the class itself, so that reading back must give it in every row.
    made = {"image_size": size, "mel_bins": size, "frames": size + 3, "difficulty": difficulty}
    data = procedural(300, classes, accuracy={"audio": 1.0, "image": 1.0}, confusions=1, seed=3, **made)
    assert data.shape("audio") == (1, size, size + 3) and data.shape("image") == (3, size, size)
    for name in MODALITIES:
        assert data.features[name].dtype == np.float32
        assert np.array_equal(shown_classes(data, name), data.target)


def test_errors_are_confusions_with_the_classes_after_and_as_frequent_as_the_dials_say() -> None:
    rows, accuracy = 4000, {"audio": 0.9, "image": 0.7}
    data = procedural(rows, accuracy=accuracy, image_size=16, mel_bins=16, frames=16, seed=1)
    shifts = {name: (shown_classes(data, name) - data.target) % 6 for name in MODALITIES}
    for name, shift in shifts.items():
        assert set(shift.tolist()) == {0, 1, 2}
        # Hoeffding: off by more than t with probability at most 2 exp(-2 N t^2), here 1e-9
        assert abs((shift == 0).mean() - accuracy[name]) < np.sqrt(np.log(2e9) / (2 * rows))
    both = ((shifts["audio"] > 0) & (shifts["image"] > 0)).mean()
    assert abs(both - 0.1 * 0.3) < np.sqrt(np.log(2e9) / (2 * rows))


def test_every_person_errs_as_often_as_the_dial_says_to_within_one_row() -> None:
    data = procedural(997, people=7, image_size=16, mel_bins=16, frames=16, **vars(PRESETS["imbalanced"]))
    wrong = {name: shown_classes(data, name) != data.target for name in MODALITIES}
    for person in range(7):
        rows = data.groups == person
        assert abs(wrong["audio"][rows].sum() - 0.05 * rows.sum()) < 1
        assert abs(wrong["image"][rows].sum() - 0.3 * rows.sum()) < 3  # two intervals of the uniform number: three ends


def test_the_seed_decides_every_number() -> None:
    one, same, other = (procedural(300, image_size=16, mel_bins=16, frames=16, seed=seed) for seed in (5, 5, 6))
    for name in MODALITIES:
        assert np.array_equal(one.features[name], same.features[name])
        assert not np.array_equal(one.features[name], other.features[name])
    assert np.array_equal(one.target, same.target) and np.array_equal(one.groups, same.groups)


def test_people_are_groups_with_a_colour_of_their_own() -> None:
    data = procedural(400, people=3, image_size=16, mel_bins=16, frames=16)
    assert set(data.groups.tolist()) == {0, 1, 2}
    # A grating in one colour on a plain background: the colours of all pixels of a person lie on one line.
    pixels = data.features["image"].transpose(0, 2, 3, 1)
    for person in range(3):
        colours = pixels[data.groups == person].reshape(-1, 3)
        assert np.linalg.matrix_rank(colours - colours.mean(axis=0)) == 1
    assert np.linalg.matrix_rank(pixels.reshape(-1, 3) - pixels.mean(axis=(0, 1, 2))) == 3
    assert procedural(20, people=0, image_size=16, mel_bins=16, frames=16).groups is None


def test_the_record_states_the_bayes_accuracies() -> None:
    data = procedural(20, image_size=16, mel_bins=16, frames=16, **vars(PRESETS["imbalanced"]))
    assert data.facts["bayes_accuracy"] == bayes_accuracy(6, PRESETS["imbalanced"].accuracy)
    assert "audio 0.95, image 0.7, pair 0.985" in data.note


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"rows": 0}, "rows must be at least 1"),
        ({"classes": 13}, "classes must be in"),
        ({"classes": 1}, "classes must be in"),
        ({"confusions": 6}, "confusions must be in"),
        ({"image_size": 15}, "image_size must be at least 16"),
        ({"frames": 8}, "frames must be at least 16"),
        ({"people": -1}, "people at least 0"),
        ({"accuracy": {"audio": 0.3, "image": 0.8}}, "accuracy is in"),
        ({"accuracy": {"audio": 0.8}}, "accuracy is in"),
        ({"accuracy": {"audio": 0.8, "image": float("nan")}}, "accuracy is in"),
        ({"difficulty": {"audio": 1.1, "image": 0.0}}, "difficulty is in"),
        ({"difficulty": {"sound": 1.0, "image": 0.0}}, "difficulty is in"),
        ({"overlap": -0.1}, "overlap must be in"),
    ],
)
def test_a_dial_outside_its_range_is_refused(change: dict[str, Any], finding: str) -> None:
    with pytest.raises(ValueError, match=finding):
        procedural(**change)


def test_reading_back_is_no_constant_and_fails_on_noise() -> None:
    rng = np.random.default_rng(0)
    shown = rng.integers(6, size=600)
    noise = drawn(shown, 6, (32, 32), Clutter(signal=0.0, other=1.0, noise=1.0), rng)
    assert 0 < (read_back(noise[:, None], 6) == shown).mean() < 0.5
    assert len(np.unique(directions(6).round(6))) == 6


def small_network(channels: int, classes: int) -> nn.Module:
    layers: list[nn.Module] = []
    for inputs, outputs, stride in ((channels, 16, 1), (16, 16, 2), (16, 32, 2), (32, 64, 2)):
        layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


def trained_accuracy(name: str, rows: int, epochs: int) -> float:
    """Test accuracy of a small network on one modality of the balanced preset, test people apart from train people."""
    data = procedural(rows)
    train, test = np.flatnonzero(data.groups < 48), np.flatnonzero(data.groups >= 48)
    pictures, target = torch.from_numpy(data.features[name]), torch.from_numpy(data.target)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = small_network(pictures.shape[1], 6)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.02, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    rng = np.random.default_rng(0)
    for _ in range(epochs):
        for batch in np.array_split(rng.permutation(train), len(train) // 64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(pictures[batch]), target[batch]).backward()
            optimizer.step()
        schedule.step()
    network.eval()
    with torch.no_grad():
        right = torch.cat([network(pictures[piece]).argmax(1) == target[piece] for piece in np.array_split(test, 10)])
    return float(right.double().mean())


@pytest.mark.slow
@pytest.mark.parametrize("name", MODALITIES)
def test_a_small_network_comes_within_two_hundredths_of_bayes(name: str) -> None:
    assert abs(trained_accuracy(name, rows=5000, epochs=6) - 0.8) <= 0.02
