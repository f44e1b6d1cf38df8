"""CREMA-D: acted emotions, sound and video frames (Cao et al., IEEE Trans. Affective Computing 5, 2014).

A clip is named ACTOR_SENTENCE_EMOTION_LEVEL, as 1001_DFA_ANG_XX: the actor is its group, the emotion its class. The
data set has no official split; the lists of OGM-GE (Peng et al., CVPR 2022) divide clips, so that every actor is in
train and in test.
"""

import re
from pathlib import Path
from typing import Literal

from simulations.multimodal.data.formats.base import Advance, BrokenInput, Format, Size, numbered, with_validation
from simulations.multimodal.data.formats.clips import Clip, ClipOptions, columns, listed_files, read_rows
from simulations.multimodal.data.prepared import Table

EMOTIONS = ("NEU", "HAP", "SAD", "FEA", "DIS", "ANG")
_CLIP = re.compile(r"(\d{4})_[A-Z]{3}_(" + "|".join(EMOTIONS) + r")_[A-Z]{1,2}")


class CremaDOptions(ClipOptions):
    """fps: of the folder Image-0FPS-FPS. split: `actor`, the project's own split with actors whole, or `lists`, by
    train.csv and test.csv. skip: clips to leave out.
    """

    fps: Size = 1
    split: Literal["actor", "lists"] = "actor"
    skip: tuple[str, ...] = ()


def plan(raw: Path, options: CremaDOptions, advance: Advance) -> Table:
    """What to write for a raw folder; see FORMAT.

    A clip is wanted if it has a sound, a folder of frames, or a line in a list: each without all it needs is a finding.
    Raises BrokenInput with every finding.
    """
    findings: list[str] = []
    sounds, pictures = raw / "AudioWAV", raw / f"Image-{options.fps:02d}-FPS"
    findings += [f"{folder}: no such folder" for folder in (sounds, pictures) if not folder.is_dir()]
    part_of = _lists(raw, options, findings) if options.split == "lists" else None
    if findings:
        raise BrokenInput(findings)
    found = {path.stem for path in listed_files(sounds, ".wav")} | {
        path.name for path in pictures.iterdir() if path.is_dir()
    }
    names = sorted((set(part_of) if part_of is not None else found) - set(options.skip))
    for name in names:
        if _CLIP.fullmatch(name) is None:
            findings.append(f"{name}: a clip is named ACTOR_SENTENCE_EMOTION_LEVEL, as 1001_DFA_ANG_XX")
    clips = [Clip(sounds / f"{name}.wav", pictures / name) for name in names if _CLIP.fullmatch(name)]
    made = columns(clips, options, findings, advance)
    matches = [match for name in names if (match := _CLIP.fullmatch(name))]
    if findings or not clips:
        raise BrokenInput(findings or [f"{sounds}: no clip"])
    target = numbered([match[2] for match in matches], EMOTIONS)
    actors = numbered([match[1] for match in matches], sorted({match[1] for match in matches}))
    parts, note = None, "groups are actors, and no actor is in two parts"
    if part_of is not None:
        parts, note = with_validation([part_of[name] for name in names], target)
        note += "; every actor may be in all parts"
    source = {"format": "crema-d", **options.described(), "fps": options.fps, "split": options.split}
    return Table(
        name="crema-d",
        columns=made,
        target=target,
        target_names=EMOTIONS,
        groups=actors if parts is None else None,
        parts=parts,
        note=note,
        source={**source, "skip": list(options.skip)},
    )


def _lists(raw: Path, options: CremaDOptions, findings: list[str]) -> dict[str, str]:
    part_of: dict[str, str] = {}
    for part in ("train", "test"):
        path = raw / "annotations" / f"{part}.csv"
        path = path if path.is_file() else raw / f"{part}.csv"
        for number, row in read_rows(path, findings):
            match = _CLIP.fullmatch(row[0]) if len(row) == 2 else None
            if match is None or match[2] != row[1]:
                findings.append(f"{path}: line {number}: a line is CLIP,EMOTION and both agree, found {','.join(row)}")
            elif row[0] in part_of:
                findings.append(f"{path}: line {number}: {row[0]} is listed twice")
            else:
                part_of[row[0]] = part
    return part_of


FORMAT = Format(
    summary="acted emotions: sound and video frames, by actor",
    layout="""AudioWAV/CLIP.wav
Image-01-FPS/CLIP/*.jpg  frames of VideoFlash/CLIP.flv, extracted beforehand (as by ffmpeg -r 1)
train.csv, test.csv      CLIP,EMOTION, also under annotations/; read with split=lists only
CLIP is ACTOR_SENTENCE_EMOTION_LEVEL, as 1001_DFA_ANG_XX.""",
    Options=CremaDOptions,
    plan=plan,
)
