"""Kinetics-Sounds: 31 (or more) actions that are seen and heard (Arandjelovic and Zisserman, ICCV 2017).

The lists are those of Kinetics, with the columns label and youtube_id; the folders those of the published code of AMSS.
"""

from pathlib import Path

from simulations.multimodal.data.formats.base import Advance, BrokenInput, Format, Size, numbered, with_validation
from simulations.multimodal.data.formats.clips import Clip, ClipOptions, Seconds, columns, read_rows
from simulations.multimodal.data.prepared import Table

_PARTS = {"train": "train", "validation": "val", "test": "test"}
_COLUMNS = ("label", "youtube_id")


class KineticsSoundsOptions(ClipOptions):
    """seconds: as long as the clips of Kinetics. fps: of the folders Image-0FPS-FPS. skip: clips to leave out."""

    seconds: Seconds = 10.0
    fps: Size = 1
    skip: tuple[str, ...] = ()


def plan(raw: Path, options: KineticsSoundsOptions, advance: Advance) -> Table:
    """What to write for a raw folder; see FORMAT. Raises BrokenInput with every finding."""
    findings: list[str] = []
    clips, labels, part_of_row = [], [], []
    known: set[str] = set()
    for part, short in _PARTS.items():
        path = raw / "annotations" / f"{short}.csv"
        if part == "validation" and not path.is_file():
            continue
        for label, name in _listed(path, findings):
            if name in options.skip:
                continue
            if name in known:
                findings.append(f"{path}: {name} is listed twice")
            known.add(name)
            folder = raw / f"{short}_img" / f"Image-{options.fps:02d}-FPS"
            clips.append(Clip(raw / f"{short}_wav" / f"{name}.wav", folder / name))
            labels.append(label)
            part_of_row.append(part)
    made = columns(clips, options, findings, advance)
    if not findings and not {"train", "test"} <= set(part_of_row):
        findings.append(f"{raw / 'annotations'}: train.csv and test.csv must name a clip each, found none in one")
    names = sorted(set(labels))
    unlearned = sorted(set(names) - {label for label, part in zip(labels, part_of_row, strict=True) if part == "train"})
    findings += [f"{raw / 'annotations'}: no train clip has the label {label!r}" for label in unlearned]
    if findings:
        raise BrokenInput(findings)
    target = numbered(labels, names)
    parts, note = with_validation(part_of_row, target)
    return Table(
        name="kinetics-sounds",
        columns=made,
        target=target,
        target_names=tuple(names),
        parts=parts,
        note=note,
        source={"format": "kinetics-sounds", **options.described(), "fps": options.fps, "skip": list(options.skip)},
    )


def _listed(path: Path, findings: list[str]) -> list[tuple[str, str]]:
    """The label and the clip of every line."""
    before = len(findings)
    rows = list(read_rows(path, findings))
    if len(findings) > before:
        return []
    header = rows[0][1] if rows else []
    if missing := [name for name in _COLUMNS if name not in header]:
        findings.append(f"{path}: the first line names the columns label and youtube_id, found no {missing[0]}")
        return []
    label, name = (header.index(column) for column in _COLUMNS)
    found = []
    for number, row in rows[1:]:
        if len(row) != len(header) or not row[label] or not row[name]:
            findings.append(f"{path}: line {number}: a line has {len(header)} cells, label and youtube_id filled")
        elif Path(row[name]).name != row[name]:
            findings.append(f"{path}: line {number}: a youtube_id names a file of a folder, found {row[name]!r}")
        else:
            found.append((row[label], row[name]))
    return found


FORMAT = Format(
    summary="actions that are seen and heard: sound and video frames",
    layout="""annotations/train.csv, test.csv, val.csv (if any)   with the columns label and youtube_id
PART_wav/ID.wav
PART_img/Image-01-FPS/ID/*.jpg   frames, extracted beforehand
PART is train, test or val, ID a youtube_id of its list.""",
    Options=KineticsSoundsOptions,
    plan=plan,
)
