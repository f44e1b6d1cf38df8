import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations.multimodal.data.windows import Recordings, windows


def recordings(lengths: list[int], channels: int = 3) -> Recordings:
    """Every sample of every channel is another number, so that a window tells where it was cut."""
    samples = sum(lengths)
    numbers = np.arange(2 * samples * channels, dtype=np.float32).reshape(2, samples, channels)
    return Recordings(
        signals={"accelerometer": numbers[0], "gyroscope": numbers[1]},
        offsets=np.cumsum([0, *lengths]),
        labels=np.arange(len(lengths)) % 3,
        subjects=np.arange(len(lengths)) // 2 + 1,
    )


@given(
    lengths=st.lists(st.integers(0, 12), min_size=1, max_size=6),
    width=st.integers(1, 6),
    stride=st.integers(1, 7),
)
def test_windows_are_those_of_a_loop_over_each_recording(lengths: list[int], width: int, stride: int) -> None:
    given_recordings = recordings(lengths)
    expected = [
        (recording, start)
        for recording, first in enumerate(given_recordings.offsets[:-1])
        for start in range(first, given_recordings.offsets[recording + 1] - width + 1, stride)
    ]
    if not expected:
        with pytest.raises(ValueError, match=f"as long as a window of {width}, found at most {max(lengths)} samples"):
            windows(given_recordings, width, stride)
        return
    cut = windows(given_recordings, width, stride)
    assert list(zip(cut.recordings.tolist(), cut.starts.tolist(), strict=True)) == expected
    for row, (recording, start) in enumerate(expected):
        assert cut.labels[row] == given_recordings.labels[recording]
        assert cut.subjects[row] == given_recordings.subjects[recording]
        for modality, signal in given_recordings.signals.items():
            np.testing.assert_array_equal(cut.features[modality][row], signal[start : start + width].T)


@given(
    lengths=st.lists(st.integers(4, 12), min_size=1, max_size=6),
    width=st.integers(1, 4),
    stride=st.integers(1, 5),
)
def test_windows_that_share_a_sample_share_their_recording_and_subject(
    lengths: list[int], width: int, stride: int
) -> None:
    cut = windows(recordings(lengths), width, stride)
    owners: dict[float, tuple[int, int]] = {}
    for signal, recording, subject in zip(cut.features["gyroscope"], cut.recordings, cut.subjects, strict=True):
        for number in signal.ravel().tolist():
            assert owners.setdefault(number, (recording, subject)) == (recording, subject)


def test_windows_are_contiguous_single_precision_with_channels_first() -> None:
    cut = windows(recordings([9, 4]), width=4, stride=2)
    assert {name: (signal.shape, str(signal.dtype)) for name, signal in cut.features.items()} == {
        "accelerometer": ((4, 3, 4), "float32"),
        "gyroscope": ((4, 3, 4), "float32"),
    }
    assert all(signal.flags.c_contiguous for signal in cut.features.values())
    assert {str(item.dtype) for item in (cut.labels, cut.subjects, cut.recordings, cut.starts)} == {"int64"}


@pytest.mark.parametrize(("width", "stride"), [(0, 1), (1, 0), (-3, 1)])
def test_a_width_or_stride_below_one_is_refused(width: int, stride: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1, found width={width} and stride={stride}"):
        windows(recordings([5]), width, stride)


@pytest.mark.parametrize(
    ("offsets", "labels", "samples", "finding"),
    [
        ([0], [], 0, "offsets rise from 0"),
        ([1, 5], [0], 5, "offsets rise from 0"),
        ([0, 4, 3], [0, 0], 3, "offsets rise from 0"),
        ([0, 5], [0, 1], 5, "found 2 labels and 2 subjects"),
        ([0, 4], [0], 5, r"found shape \(5, 1\) in modality 'x'"),
    ],
)
def test_recordings_that_do_not_fit_together_are_refused(
    offsets: list[int], labels: list[int], samples: int, finding: str
) -> None:
    signals = {"x": np.zeros((samples, 1), dtype=np.float32)}
    with pytest.raises(ValueError, match=finding):
        Recordings(signals, np.array(offsets), np.array(labels), np.array(labels))


def test_recordings_without_a_modality_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one modality"):
        Recordings({}, np.array([0, 5]), np.array([0]), np.array([0]))
