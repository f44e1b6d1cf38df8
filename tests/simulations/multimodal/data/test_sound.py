import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from simulations.multimodal.data.formats.sound import LogMel, broken_wav, log_mel, mel_filters, read_wav


def test_a_tone_is_loudest_in_the_filter_around_it() -> None:
    spec = LogMel(mel_bins=40, seconds=0.5)
    filters = mel_filters(spec)
    frequencies = np.fft.rfftfreq(spec.window, 1 / spec.rate)
    for place in (60, 101, 150):
        tone = np.sin(2 * np.pi * frequencies[place] * np.arange(8000) / spec.rate)
        spectrogram = log_mel(tone, spec.rate, spec)
        assert spectrogram.shape == spec.shape == (1, 40, 48) and spectrogram.dtype == np.float32
        assert set(spectrogram[0].argmax(axis=0).tolist()) == {int(filters[:, place].argmax())}


def test_the_spectrogram_is_that_of_plain_loops() -> None:
    spec = LogMel(mel_bins=5, rate=1000, seconds=0.1, window=25, hop=10)
    wave = np.random.default_rng(0).standard_normal(100)
    filters = mel_filters(spec)
    found = log_mel(wave, 1000, spec)
    for frame in range(spec.shape[2]):
        piece = wave[10 * frame : 10 * frame + 25] * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(25) / 25))
        sums = [sum(piece[t] * np.exp(-2j * np.pi * k * t / 25) for t in range(25)) for k in range(13)]
        expected = np.log([sum(filters[m, k] * abs(sums[k]) ** 2 for k in range(13)) + 1e-6 for m in range(5)])
        assert np.allclose(found[0, :, frame], expected, rtol=4 * np.finfo(np.float32).eps, atol=1e-6)


def test_triangles_reach_one_at_corners_equally_far_apart_in_mel() -> None:
    spec = LogMel(mel_bins=3, rate=16000, window=16000)  # a frequency every hertz
    tops = mel_filters(spec).argmax(axis=1)
    mels = 2595 * np.log10(1 + np.array([0, *tops, 8000]) / 700)
    # corners are rounded to whole hertz, at most 2595 / (700 ln 10) = 1.61 mel each
    assert np.abs(np.diff(mels) - mels[-1] / 4).max() < 2 * 1.61


def test_a_short_clip_is_repeated_and_a_long_one_cut() -> None:
    spec = LogMel(mel_bins=4, seconds=0.1)
    wave = np.random.default_rng(0).standard_normal(4000)
    assert np.array_equal(log_mel(wave, 16000, spec), log_mel(wave[:1600], 16000, spec))
    assert np.array_equal(log_mel(wave[:500], 16000, spec), log_mel(np.tile(wave[:500], 4), 16000, spec))


def test_another_rate_is_resampled() -> None:
    spec = LogMel(mel_bins=20, seconds=0.5)
    found = [log_mel(np.sin(2 * np.pi * 1000 * np.arange(rate) / rate), rate, spec) for rate in (16000, 44100)]
    assert found[0].shape == found[1].shape
    assert (found[0][0].argmax(axis=0) == found[1][0].argmax(axis=0)).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([0, 128, 255], dtype=np.uint8), [-1, 0, 127 / 128]),
        (np.array([-(2**15), 0, 2**14], dtype=np.int16), [-1, 0, 0.5]),
        (np.array([-(2**31), 0, 2**30], dtype=np.int32), [-1, 0, 0.5]),
        (np.array([-1, 0, 0.5], dtype=np.float32), [-1, 0, 0.5]),
        (np.array([[-(2**15), 0], [0, 2**14]], dtype=np.int16), [-0.5, 0.25]),
    ],
)
def test_samples_are_scaled_and_channels_averaged(tmp_path: Path, values: np.ndarray, expected: list[float]) -> None:
    wavfile.write(tmp_path / "a.wav", 8000, values)
    wave, rate = read_wav(tmp_path / "a.wav")
    assert rate == 8000 and wave.tolist() == expected
    assert broken_wav(tmp_path / "a.wav") is None


def test_every_truncation_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    wavfile.write(path, 8000, np.arange(50, dtype=np.int16))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert broken_wav(path) is not None, length


def test_other_faults_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    assert broken_wav(path).endswith("no such file")
    wavfile.write(path, 8000, np.array([0, np.nan], dtype=np.float32))
    assert broken_wav(path).endswith("a sample is not finite")
    wavfile.write(path, 8000, np.arange(4, dtype=np.int16))
    content = bytearray(path.read_bytes())
    content[20:22] = struct.pack("<H", 999)  # a coding that does not exist
    path.write_bytes(bytes(content))
    assert "cannot be read" in broken_wav(path)
    wavfile.write(path, 8000, np.arange(4, dtype=np.int16))
    path.write_bytes(path.read_bytes() + b"LIST\xff\x00")  # what follows the samples does not matter
    assert broken_wav(path) is None
