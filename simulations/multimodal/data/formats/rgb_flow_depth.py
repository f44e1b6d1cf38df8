"""Gestures in colour, optical flow and depth, as in NVGesture (Molchanov et al., CVPR 2016).

The lists are the data set's own, a line a gesture: path:./Video_data/class_01/subject13_r0 depth:sk_depth:155:235
color:sk_color:155:235 label:1, each sensor with its folder and its first frame and the one after its last. The data
set's split is by subject.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulations.multimodal.data.formats.base import Advance, BrokenInput, Format, Size, checked, with_validation
from simulations.multimodal.data.formats.frames import (
    CHANNELS,
    Mode,
    broken_clip,
    evenly,
    frame_files,
    frame_number,
    read_images,
)
from simulations.multimodal.data.prepared import Column, Table
from simulations.multimodal.options import Options

MODES: dict[str, Mode] = {"rgb": "RGB", "flow": "RGB", "depth": "L"}
_SENSORS = {"rgb": "color", "flow": "flow", "depth": "depth"}
_SUBJECT = re.compile(r"subject(\d+)")


class RgbFlowDepthOptions(Options):
    """size: of images, pixels. frames: read of each modality, evenly. flow: folder of a gesture's flow images, where
    its line names none; they have the frame numbers of the colour.
    """

    size: Size = 224
    frames: Size = 8
    flow: str = "flow"


@dataclass(frozen=True)
class _Gesture:
    part: str
    label: int
    subject: int | None
    places: dict[str, Path]
    files: dict[str, list[Path]]


def plan(raw: Path, options: RgbFlowDepthOptions, advance: Advance) -> Table:
    """What to write for a raw folder; see FORMAT.

    rgb and flow: (3 F, size, size). depth: (F, size, size). Raises BrokenInput with every finding.
    """
    findings: list[str] = []
    gestures: list[_Gesture] = []
    for part in ("train", "test"):
        lists = sorted(raw.glob(f"*{part}*.lst"))
        if len(lists) != 1:
            findings.append(f"{raw}: one list *{part}*.lst is needed, found {len(lists)}")
        for path in lists[:1]:
            gestures += _gestures(path, part, raw, options, findings)
    checked(gestures, lambda one: _broken(one, options), findings, advance, "checking gestures")
    if findings or not gestures:
        raise BrokenInput(findings or [f"{raw}: no gesture"])
    target = np.array([one.label for one in gestures], dtype=np.int64)
    subjects = _subjects(gestures)
    parts, note = with_validation([one.part for one in gestures], target, subjects)
    return Table(
        name="rgb-flow-depth",
        columns={name: _column(gestures, name, options) for name in MODES},
        target=target,
        target_names=tuple(f"gesture {number + 1}" for number in range(int(target.max()) + 1)),
        groups=subjects,
        parts=parts,
        note=note + ("" if subjects is None else "; no subject is in two parts"),
        source={"format": "rgb-flow-depth", **options.model_dump(), "scale": "8-bit values / 255, 16-bit / 65535"},
    )


def _column(gestures: list[_Gesture], name: str, options: RgbFlowDepthOptions) -> Column:
    mode = MODES[name]

    def read(row: int) -> NDArray[np.float32]:
        return read_images(evenly(gestures[row].files[name], options.frames), options.size, mode)

    return Column((CHANNELS[mode] * options.frames, options.size, options.size), "float32", read)


def _subjects(gestures: list[_Gesture]) -> NDArray[np.int64] | None:
    """The subjects, unless one is not named, or is in both official parts."""
    named = [one.subject for one in gestures if one.subject is not None]
    by_part = [{one.subject for one in gestures if one.part == part} for part in ("train", "test")]
    if len(named) < len(gestures) or by_part[0] & by_part[1]:
        return None
    return np.array(named, dtype=np.int64)


def _broken(one: _Gesture, options: RgbFlowDepthOptions) -> list[str]:
    found: list[str] = []
    for name, folder in one.places.items():
        found += broken_clip(folder, one.files[name], options.frames)
    return found


def _gestures(path: Path, part: str, raw: Path, options: RgbFlowDepthOptions, findings: list[str]) -> list[_Gesture]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        findings.append(f"{path}: {getattr(error, 'strerror', None) or error}")
        return []
    gestures = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                gestures.append(_gesture(line, part, raw, options))
            except (ValueError, KeyError) as error:
                reason = f"no {error.args[0]}" if isinstance(error, KeyError) else error
                findings.append(f"{path}: line {number}: {reason}")
    return gestures


def _gesture(line: str, part: str, raw: Path, options: RgbFlowDepthOptions) -> _Gesture:
    """One line of a list. Raises KeyError for a key that is missing, ValueError for one that cannot be read."""
    entries = {}
    for word in line.split():
        key, _, value = word.partition(":")
        entries[key] = value.split(":")
    label = int(entries["label"][0])
    if label < 1:
        raise ValueError(f"a label is at least 1, found {label}")
    home = raw / entries["path"][0]
    entries.setdefault("flow", [options.flow, *entries["color"][1:]])
    places, files = {}, {}
    for name, sensor in _SENSORS.items():
        if len(entries[sensor]) != 3:
            raise ValueError(f"a sensor is written SENSOR:FOLDER:START:END, found {sensor}:{':'.join(entries[sensor])}")
        folder, first, end = entries[sensor][0], int(entries[sensor][1]), int(entries[sensor][2])
        places[name] = home / folder
        files[name] = [
            path
            for path in frame_files(home / folder)
            if first <= (-1 if (at := frame_number(path)) is None else at) < end
        ]
    subject = _SUBJECT.search(entries["path"][0])
    return _Gesture(part, label - 1, int(subject[1]) if subject else None, places, files)


FORMAT = Format(
    summary="gestures in colour, optical flow and depth",
    layout="""*train*.lst, *test*.lst   lines as
    path:./Video_data/class_01/subject13_r0 depth:sk_depth:155:235 color:sk_color:155:235 label:1
PATH/sk_color/*155.jpg    frames of sk_color.avi, extracted beforehand, numbered as in the video
PATH/sk_depth/*155.png    likewise; 8 or 16 bits
PATH/flow/*155.jpg        optical flow as images, numbered as the colour""",
    Options=RgbFlowDepthOptions,
    plan=plan,
)
