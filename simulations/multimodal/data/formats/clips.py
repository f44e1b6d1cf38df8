"""Clips of sound and video frames: what both audio-visual formats check and read of them."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from simulations.multimodal.data.formats.base import Advance, Size, checked
from simulations.multimodal.data.formats.frames import broken_clip, evenly, frame_files, read_images
from simulations.multimodal.data.formats.sound import LogMel, broken_wav, log_mel, read_wav
from simulations.multimodal.data.prepared import Column
from simulations.multimodal.options import Options

Seconds = Annotated[float, Field(gt=0, le=600)]


@dataclass(frozen=True)
class Clip:
    """The two places of a clip: a wav file, and a folder of frames."""

    wav: Path
    frames: Path


class ClipOptions(Options):
    """size: of images, pixels. frames: how many are read of each clip, evenly. mel_bins, rate, seconds: see LogMel."""

    size: Size = 224
    frames: Size = 1
    mel_bins: Size = 128
    rate: Annotated[int, Field(ge=1000, le=192000)] = 16000
    seconds: Seconds = 3.0

    @property
    def spectrogram(self) -> LogMel:
        """Windows of 25 ms, 10 ms apart."""
        return LogMel(self.mel_bins, self.rate, self.seconds, window=self.rate // 40, hop=self.rate // 100)

    def described(self) -> dict[str, Any]:
        """The parameters, for a manifest."""
        image = {"size": self.size, "frames": self.frames, "scale": "RGB / 255, bilinear, frames one after another"}
        return {"image": image, "audio": dict(self.spectrogram.described())}


def columns(clips: Sequence[Clip], options: ClipOptions, findings: list[str], advance: Advance) -> Mapping[str, Column]:
    """Check every clip, adding to the findings, and say how audio and image of each are read.

    audio: (1, mel_bins, frames). image: (3 F, size, size), F frames one after another, red, green, blue of each.
    """
    listed = [frame_files(clip.frames) for clip in clips]

    def check(row: int) -> list[str]:
        sound = broken_wav(clips[row].wav)
        return [*([sound] if sound else []), *broken_clip(clips[row].frames, listed[row], options.frames)]

    checked(range(len(clips)), check, findings, advance, "checking clips")
    spec = options.spectrogram
    return {
        "audio": Column(spec.shape, "float32", lambda row: log_mel(*read_wav(clips[row].wav), spec)),
        "image": Column(
            (3 * options.frames, options.size, options.size),
            "float32",
            lambda row: read_images(evenly(listed[row], options.frames), options.size),
        ),
    }


def listed_files(folder: Path, suffix: str) -> list[Path]:
    """The files of a folder with a suffix, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == suffix)


def read_rows(path: Path, findings: list[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a csv file that are not empty, with their line numbers; a finding where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        findings.append(f"{path}: {getattr(error, 'strerror', None) or error}")
        return
    reader = csv.reader(text.splitlines())
    try:
        for row in reader:
            if row:
                yield reader.line_num, [cell.strip() for cell in row]
    except csv.Error as error:
        findings.append(f"{path}: line {reader.line_num}: {error}")
