"""A made audio-visual data set whose Bayes accuracies and imbalance are dials.

A row's class y is uniform on C classes. Modality m shows a class y_m: y itself with probability A_m, its dial, and
otherwise one of the s classes after it, y + 1, ..., y + s (mod C), each equally likely. y_m is drawn as an image or as
a log-mel spectrogram from which it can be read back exactly, and everything else in the picture is independent of y
given y_m. The best guess from modality m alone is therefore y_m, right with probability exactly A_m (for
A_m >= 1 / (s + 1)), and the best guess from both follows from the law of (y, y_audio, y_image) alone, which
`bayes_accuracy` enumerates. With 2 s < C a disagreement mostly tells which of the two is wrong, so that the pair is
better than either; with s = C - 1, errors uniform over all other classes, a disagreement does not, and the pair is no
better than the better of the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.multimodal.data.gratings import MOST_CLASSES, SMALLEST, Clutter, drawn, read_back
from simulations.multimodal.datasets import Dataset

MODALITIES = ("audio", "image")
_ROWS_AT_A_TIME = 256
_ROUNDS = 50


@dataclass(frozen=True)
class Preset:
    """Dials by name: the Bayes accuracy and the difficulty of each modality."""

    accuracy: Mapping[str, float]
    difficulty: Mapping[str, float]


PRESETS: Mapping[str, Preset] = {
    "balanced": Preset({"audio": 0.8, "image": 0.8}, {"audio": 0.0, "image": 0.0}),
    "imbalanced": Preset({"audio": 0.95, "image": 0.7}, {"audio": 0.0, "image": 0.7}),
}


def bayes_accuracy(
    classes: int, accuracy: Mapping[str, float], *, confusions: int = 2, overlap: float = 0.0
) -> dict[str, float]:
    """The best possible accuracy from audio, from image, and from the pair.

    accuracy: A_m of "audio" and "image". confusions: s. overlap: see `procedural`. The pair's value is the sum over
    the C^2 pairs (y_audio, y_image) of the largest P(y, y_audio, y_image) among the y. Raises ValueError for a dial
    outside its range.

    >>> bayes = bayes_accuracy(6, {"audio": 0.8, "image": 0.6})
    >>> {name: round(value, 6) for name, value in bayes.items()}
    {'audio': 0.8, 'image': 0.6, 'pair': 0.92}
    >>> round(bayes_accuracy(6, {"audio": 0.8, "image": 0.6}, confusions=5)["pair"], 6)
    0.8
    """
    _check_law(classes, accuracy, confusions, overlap)
    audio, image = (1 - accuracy[name] for name in MODALITIES)
    both = _both_wrong(audio, image, overlap)
    right = np.eye(classes)
    wrong = np.mean([np.roll(right, shift, axis=1) for shift in range(1, confusions + 1)], axis=0)
    # law[y, a, i]: the class, what the audio shows, what the image shows
    cases = [(1 - audio - image + both, right, right), (audio - both, wrong, right), (image - both, right, wrong)]
    cases.append((both, wrong, wrong))
    law = np.zeros((classes,) * 3)
    for chance, heard, seen in cases:
        law += chance / classes * heard[:, :, None] * seen[:, None, :]
    return {**{name: float(accuracy[name]) for name in MODALITIES}, "pair": float(law.max(axis=0).sum())}


def procedural(
    rows: int = 4000,
    classes: int = 6,
    *,
    image_size: int = 32,
    mel_bins: int = 32,
    frames: int = 32,
    accuracy: Mapping[str, float] = PRESETS["balanced"].accuracy,
    difficulty: Mapping[str, float] = PRESETS["balanced"].difficulty,
    confusions: int = 2,
    overlap: float = 0.0,
    people: int = 60,
    seed: int = 0,
) -> Dataset:
    """Images (N, 3, image_size, image_size) and log-mel spectrograms (N, 1, mel_bins, frames), float32, and classes.

    rows: N. classes: C in [2, 12]. image_size, mel_bins, frames: at least 16. accuracy: A_m, the Bayes accuracy of
    "audio" and of "image" alone, each in [1 / (s + 1), 1]. difficulty: of each modality in [0, 1], a weaker grating
    amid more clutter, which is slower to learn at the same Bayes accuracy. confusions: s in [1, C - 1]. overlap in
    [0, 1]: both modalities show a wrong class with probability (1 - overlap) f_a f_i + overlap min(f_a, f_i), where
    f_m = 1 - A_m; 0 makes their errors independent. people: the number of persons, of whom each row has one,
    independent of its class; a person has a pitch and a timbre, and a colour. They become the groups; with 0 every
    row has a style of its own and there are no groups. seed: of all of it; the same arguments make the same arrays.

    Errors are spread evenly over people (over all rows without people): each row errs with the probabilities above,
    and among a person's n rows the audio is wrong in n f_audio rows to within one. Measured accuracies on whole people
    therefore vary less than those of independent rows.

    A picture whose class cannot be read back by `gratings.read_back` is drawn again with fresh nuisance, so that
    y_m is a function of the picture in every row. The spectrograms are drawn in the plane of mel bins and frames, as
    ripples over steady harmonics: no waveform is made. Neither kind of array is scaled to [0, 1].

    Memory: 4 N (3 image_size^2 + mel_bins frames) bytes, 1.3 GB for 2000 rows of 3 x 224 x 224 and 1 x 128 x 128.
    Time: about 1 s for 2000 rows of 3 x 64 x 64 and 1 x 64 x 64, 15 s for those of full size. Raises ValueError for a
    dial outside its range.
    """
    _check_law(classes, accuracy, confusions, overlap)
    _check_sizes(rows, classes, people, {"image_size": image_size, "mel_bins": mel_bins, "frames": frames})
    clutter = {name: _clutter(name, difficulty) for name in MODALITIES}
    rng = np.random.default_rng(seed)
    persons = rng.integers(people, size=rows) if people else np.arange(rows)
    uniform = _spread(persons if people else np.zeros(rows, np.int64), rng)
    target, shown = _labels(uniform, classes, accuracy, confusions, overlap, rng)
    styles = rng.random((people or rows, _STYLES))[persons]
    extents = {"audio": (mel_bins, frames), "image": (image_size, image_size)}
    features = {
        name: _pictures(name, shown[name], classes, extents[name], clutter[name], styles, rng) for name in MODALITIES
    }
    bayes = bayes_accuracy(classes, accuracy, confusions=confusions, overlap=overlap)
    stated = ", ".join(f"{name} {value:.4g}" for name, value in bayes.items())
    return Dataset(
        name="procedural",
        features=features,
        target=target,
        target_names=tuple(f"direction {number}" for number in range(classes)),
        groups=persons if people else None,
        note=f"made rows whose Bayes accuracies are known: {stated}",
        facts={
            "bayes_accuracy": bayes,
            "difficulty": {name: float(difficulty[name]) for name in MODALITIES},
            "confusions": confusions,
            "overlap": float(overlap),
            "seed": seed,
        },
    )


def shown_classes(dataset: Dataset, modality: str) -> NDArray[np.int64]:
    """The class y_m (N,) that each row of a modality of a procedural data set shows, read from its pictures."""
    pictures, classes = dataset.features[modality], len(dataset.target_names)
    pieces = [
        read_back(pictures[first : first + _ROWS_AT_A_TIME], classes)
        for first in range(0, len(dataset), _ROWS_AT_A_TIME)
    ]
    return np.concatenate([np.empty(0, np.int64), *pieces])


def _labels(
    uniform: NDArray[np.float64],
    classes: int,
    accuracy: Mapping[str, float],
    confusions: int,
    overlap: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.int64]]]:
    """The classes y (N,), and what each modality shows (N,), by a uniform number for each row."""
    rows = len(uniform)
    target = rng.integers(classes, size=rows)
    audio, image = (1 - accuracy[name] for name in MODALITIES)
    both = _both_wrong(audio, image, overlap)
    # [0, both) both wrong, [both, audio) the audio alone, [audio, audio + image - both) the image alone
    wrong = {
        "audio": uniform < audio,
        "image": (uniform < both) | ((uniform >= audio) & (uniform < audio + image - both)),
    }
    shifts = rng.integers(1, confusions + 1, size=(len(MODALITIES), rows))
    shown = {name: (target + wrong[name] * shifts[number]) % classes for number, name in enumerate(MODALITIES)}
    return target, shown


def _spread(persons: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A number for each row, uniform on [0, 1); those of a person with n rows lie one in each of n equal stretches."""
    order = np.lexsort((rng.random(len(persons)), persons))
    sizes = np.bincount(persons)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    uniform = np.empty(len(persons))
    uniform[order] = (np.arange(len(persons)) - starts + rng.random(len(persons))) / sizes[persons[order]]
    return uniform


def _both_wrong(audio: float, image: float, overlap: float) -> float:
    return (1 - overlap) * audio * image + overlap * min(audio, image)


def _clutter(modality: str, difficulty: Mapping[str, float]) -> Clutter:
    if set(difficulty) != set(MODALITIES) or not 0 <= difficulty[modality] <= 1:
        raise ValueError(f"difficulty is in [0, 1] for 'audio' and for 'image', found {dict(difficulty)}")
    hard = difficulty[modality]
    return Clutter(signal=1 - 0.5 * hard, other=hard, noise=0.25 + 0.25 * hard)


def _pictures(
    modality: str,
    shown: NDArray[np.int64],
    classes: int,
    extents: tuple[int, int],
    clutter: Clutter,
    styles: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Pictures (N, channels, H, W) from which every row's shown class can be read back."""
    dress = _DRESS[modality]
    pictures = np.empty((len(shown), _CHANNELS[modality], *extents), dtype=np.float32)
    for first in range(0, len(shown), _ROWS_AT_A_TIME):
        missing = np.arange(first, min(first + _ROWS_AT_A_TIME, len(shown)))
        for _ in range(_ROUNDS):
            piece = dress(drawn(shown[missing], classes, extents, clutter, rng), styles[missing])
            read = read_back(piece, classes) == shown[missing]
            pictures[missing[read]] = piece[read]
            missing = missing[~read]
            if not len(missing):
                break
        else:
            raise ValueError(
                f"every class must be readable from its picture, found {len(missing)} {modality} rows that are not "
                f"after {_ROUNDS} drawings: a smaller difficulty or fewer classes make it so"
            )
    return pictures


def _spectrogram(ripples: NDArray[np.float32], styles: NDArray[np.float64]) -> NDArray[np.float32]:
    """Ripples (N, mel, frames) over the steady harmonics of a voice: (N, 1, mel, frames), in units of log energy."""
    bins = np.arange(ripples.shape[1]) / ripples.shape[1]
    pitch, phase, tilt, loudness = (styles[:, [column]] for column in range(4))
    harmonics = 0.5 * np.cos(2 * np.pi * ((2 + 2 * pitch) * bins + phase))
    steady = harmonics - (0.5 + tilt) * bins + 0.5 * (loudness - 0.5)
    energy: NDArray[np.float32] = ripples + steady.astype(np.float32)[:, :, None]
    return energy[:, None]


def _image(gratings: NDArray[np.float32], styles: NDArray[np.float64]) -> NDArray[np.float32]:
    """Gratings (N, H, W) in a person's colour on a person's background: (N, 3, H, W)."""
    colour = 0.4 + 0.6 * styles[:, :3]
    background = styles[:, 3:6] - 0.5
    coloured: NDArray[np.float32] = gratings[:, None] * colour.astype(np.float32)[:, :, None, None]
    coloured += background.astype(np.float32)[:, :, None, None]
    return coloured


_STYLES = 6
_CHANNELS = {"audio": 1, "image": 3}
_DRESS = {"audio": _spectrogram, "image": _image}


def _check_law(classes: int, accuracy: Mapping[str, float], confusions: int, overlap: float) -> None:
    if not 2 <= classes <= MOST_CLASSES:
        raise ValueError(f"classes must be in [2, {MOST_CLASSES}], found classes={classes}")
    if not 1 <= confusions < classes:
        raise ValueError(f"confusions must be in [1, classes - 1], found confusions={confusions}, classes={classes}")
    if set(accuracy) != set(MODALITIES) or not all(1 / (confusions + 1) <= value <= 1 for value in accuracy.values()):
        raise ValueError(
            f"accuracy is in [1 / (confusions + 1), 1] for 'audio' and for 'image', so that what is shown is the best "
            f"guess, found {dict(accuracy)} with confusions={confusions}"
        )
    if not 0 <= overlap <= 1:
        raise ValueError(f"overlap must be in [0, 1], found overlap={overlap}")


def _check_sizes(rows: int, classes: int, people: int, extents: Mapping[str, int]) -> None:
    if rows < 1 or people < 0:
        raise ValueError(f"rows must be at least 1 and people at least 0, found rows={rows} and people={people}")
    for name, extent in extents.items():
        if extent < SMALLEST:
            raise ValueError(
                f"{name} must be at least {SMALLEST} for {classes} classes to be told apart, found {extent}"
            )
