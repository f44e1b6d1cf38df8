"""Images and folders of frames: which are read, whether they are whole, and what becomes of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from amss_min.testing.loading import BadInput

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
Mode = Literal["RGB", "L"]
CHANNELS = {"RGB": 3, "L": 1}


def _pillow() -> Any:
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise BadInput("preparing images needs the package 'pillow' of the extra 'study', found none") from None
    return Image


def frame_files(folder: Path) -> list[Path]:
    """The images of a folder, by the numbers in their names, then by name; empty where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES), key=_order)


def frame_number(path: Path) -> int | None:
    """The number that a frame's name ends with, None without one.

    >>> frame_number(Path("frame_1_025.jpg"))
    25
    """
    digits = path.stem[len(path.stem.rstrip("0123456789")) :]
    return int(digits) if digits else None


def evenly(files: Sequence[Path], count: int) -> list[Path]:
    """The middles of `count` equal stretches of the files, in order; needs at least as many files.

    >>> [path.name for path in evenly([Path(str(number)) for number in range(9)], 3)]
    ['1', '4', '7']
    """
    return [files[(2 * place + 1) * len(files) // (2 * count)] for place in range(count)]


def broken_image(path: Path) -> str | None:
    """Why an image cannot be read in full, None where it can: it is decoded, so that a cut file is seen."""
    image = _pillow()
    try:
        with image.open(path) as opened:
            opened.load()
    except FileNotFoundError:
        return f"{path}: no such file"
    except Exception as error:  # decoders raise errors of every kind on broken bytes
        return f"{path}: no whole image: {error or type(error).__name__}"
    return None


def broken_clip(folder: Path, files: Sequence[Path], count: int) -> list[str]:
    """What is wrong with a folder of frames, of whose files `count` are to be read: every finding, or none."""
    if not folder.is_dir():
        return [f"{folder}: no such folder of frames"]
    if len(files) < count:
        return [f"{folder}: at least {count} frames are needed, found {len(files)}"]
    return [finding for path in evenly(files, count) if (finding := broken_image(path))]


def read_images(paths: Sequence[Path], size: int, mode: Mode = "RGB") -> NDArray[np.float32]:
    """The images, each resized to size x size (bilinear, the whole of it), one after another: (3 F or F, size, size).

    RGB values are divided by 255. L is one channel: 16-bit values are divided by 65535, others by 255.
    """
    image = _pillow()
    planes = []
    for path in paths:
        with image.open(path) as opened:
            deep = mode == "L" and opened.mode.startswith("I")
            converted = opened.convert("F") if deep else opened.convert(mode)
            pixels = np.asarray(converted.resize((size, size), image.Resampling.BILINEAR), dtype=np.float32)
        pixels = np.clip(pixels / np.float32(65535 if deep else 255), 0, 1)
        planes.append(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))
    return np.ascontiguousarray(np.concatenate(planes))


def _order(path: Path) -> tuple[int, str]:
    number = frame_number(path)
    return (-1 if number is None else number, path.name)
