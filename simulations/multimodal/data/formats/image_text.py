"""Tweets with an image: sarcasm (Cai, Cai and Wan, ACL 2019) and Twitter-15 (Yu and Jiang, IJCAI 2019).

Three ways to list them are read, by the files that are there. train.txt: a line a Python list, identifier first, text
second, label last (MMSD). train.json: a list of objects with image_id, text and label (MMSD2.0). train.tsv: columns
index, label, image, text and target, the text with $T$ in place of the target (Twitter-15). Nothing is filtered.
"""

import ast
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from simulations.multimodal.data.formats.base import (
    Advance,
    BrokenInput,
    Format,
    Size,
    checked,
    numbered,
    with_validation,
)
from simulations.multimodal.data.formats.frames import broken_image, read_images
from simulations.multimodal.data.formats.text import vocabulary, word_encoder, wordpiece_encoder
from simulations.multimodal.data.prepared import Column, Table
from simulations.multimodal.options import Options

_FOLDERS = ("", "text", "text_json_final")
_NAMES = {"train": ("train",), "validation": ("valid2", "valid", "val", "dev"), "test": ("test2", "test")}
_LABELS = {
    "sarcasm": ("not sarcastic", "sarcastic"),
    "twitter-15": ("negative", "neutral", "positive"),
}


@dataclass(frozen=True)
class _Post:
    part: str
    label: str
    image: str
    segments: tuple[str, ...]


class ImageTextOptions(Options):
    """size: of images, pixels. tokens: ids of a text, cut or padded. vocabulary: a folder with a BERT vocab.txt;
    without one the words of the train texts make it, those that occur `least` times, at most `most`. images: their
    folder; without one the first of dataset_image, twitter2015_images and images that is there.
    """

    size: Size = 224
    tokens: Size = 64
    vocabulary: str = ""
    least: Annotated[int, Field(ge=1)] = 2
    most: Annotated[int, Field(ge=1)] = 30000
    images: str = ""


def plan(raw: Path, options: ImageTextOptions, advance: Advance) -> Table:
    """What to write for a raw folder; see FORMAT.

    text: (tokens,) int64. image: (3, size, size). Raises BrokenInput with every finding.
    """
    findings: list[str] = []
    pieces = wordpiece_encoder(Path(options.vocabulary), options.tokens) if options.vocabulary else None
    folder, suffix = _lists(raw)
    posts: list[_Post] = []
    for part, names in _NAMES.items():
        path = next((path for name in names if (path := folder / f"{name}{suffix}").is_file()), None)
        if path is not None:
            posts += _READERS[suffix](path, part, findings)
        elif part != "validation":
            findings.append(f"{folder / names[-1]}{suffix}: no such file")
    images = _image_folder(raw, options, findings)
    paths = [_image_file(images, post.image) for post in posts] if images else []
    unique = sorted(set(paths))
    checked(unique, lambda path: [text] if (text := broken_image(path)) else [], findings, advance, "checking images")
    name = "twitter-15" if suffix == ".tsv" else "sarcasm"
    if findings or not posts:
        raise BrokenInput(findings or [f"{folder}: no text"])
    target = numbered([post.label for post in posts], [str(number) for number in range(len(_LABELS[name]))])
    parts, note = with_validation([post.part for post in posts], target)
    train = [post.segments for post in posts if post.part == "train"]
    known = {} if pieces else vocabulary(train, options.least, options.most)
    encode = pieces or word_encoder(known, options.tokens)
    return Table(
        name=name,
        columns={
            "text": Column((options.tokens,), "int64", lambda row: encode(posts[row].segments)),
            "image": Column(
                (3, options.size, options.size), "float32", lambda row: read_images([paths[row]], options.size)
            ),
        },
        target=target,
        target_names=_LABELS[name],
        parts=parts,
        note=note,
        source={"format": "image-text", **options.model_dump(), "scale": "RGB / 255, bilinear", "words": len(known)},
        texts={} if pieces else {"vocabulary.txt": "".join(f"{word}\n" for word in known)},
    )


def _lists(raw: Path) -> tuple[Path, str]:
    for place in _FOLDERS:
        for suffix in _READERS:
            if (raw / place / f"train{suffix}").is_file():
                return raw / place, suffix
    raise BrokenInput([f"{raw}: one of train.tsv, train.txt, train.json is needed, also in text/, found none"])


def _image_folder(raw: Path, options: ImageTextOptions, findings: list[str]) -> Path | None:
    tried = (options.images,) if options.images else ("dataset_image", "twitter2015_images", "images")
    found = next((raw / place for place in tried if (raw / place).is_dir()), None)
    if found is None:
        findings.append(f"{raw}: no folder of images: {', '.join(tried)}")
    return found


def _image_file(folder: Path, name: str) -> Path:
    return folder / (name if Path(name).suffix else f"{name}.jpg")


def _lines(path: Path, findings: list[str]) -> list[str]:
    # not splitlines: tweets hold separators of Unicode that do not end a line of the file
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        findings.append(f"{path}: {getattr(error, 'strerror', None) or error}")
        return []


def _read_txt(path: Path, part: str, findings: list[str]) -> Iterator[_Post]:
    for number, line in enumerate(_lines(path, findings), start=1):
        if not line.strip():
            continue
        try:
            entry = ast.literal_eval(line.strip())
            image, text, label = str(entry[0]), str(entry[1]), str(entry[-1])
        except (ValueError, SyntaxError, IndexError, TypeError, KeyError, MemoryError, RecursionError):
            findings.append(f"{path}: line {number}: a line is a list [identifier, text, label]")
            continue
        yield from _post(part, label, image, (text,), "sarcasm", f"{path}: line {number}", findings)


def _read_json(path: Path, part: str, findings: list[str]) -> Iterator[_Post]:
    try:
        entries = json.loads("\n".join(_lines(path, findings)) or "[]")
        rows = [(str(entry["label"]), str(entry["image_id"]), str(entry["text"])) for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        findings.append(f"{path}: a list of objects with image_id, text and label is needed: {error!r}")
        return
    for number, (label, image, text) in enumerate(rows, start=1):
        yield from _post(part, label, image, (text,), "sarcasm", f"{path}: entry {number}", findings)


def _read_tsv(path: Path, part: str, findings: list[str]) -> Iterator[_Post]:
    for number, line in enumerate(_lines(path, findings), start=1):
        if number == 1 or not line.strip():
            continue
        row = line.split("\t")
        if len(row) != 5:
            findings.append(
                f"{path}: line {number}: a line has 5 cells (index, label, image, text, target), found {len(row)}"
            )
            continue
        _, label, image, text, mentioned = row
        segments = (text.replace("$T$", mentioned), mentioned)
        yield from _post(part, label, image, segments, "twitter-15", f"{path}: line {number}", findings)


def _post(
    part: str, label: str, image: str, segments: tuple[str, ...], name: str, place: str, findings: list[str]
) -> Iterator[_Post]:
    allowed = [str(number) for number in range(len(_LABELS[name]))]
    if label not in allowed:
        findings.append(f"{place}: a label is one of {', '.join(allowed)}, found {label!r}")
    elif not image or Path(image).name != image:
        findings.append(f"{place}: an image is a file of the folder of images, found {image!r}")
    else:
        yield _Post(part, label, image, segments)


_READERS: dict[str, Callable[[Path, str, list[str]], Iterator[_Post]]] = {
    ".tsv": _read_tsv,
    ".txt": _read_txt,
    ".json": _read_json,
}

FORMAT = Format(
    summary="tweets with an image: sarcasm (MMSD, MMSD2.0) and Twitter-15",
    layout="""sarcasm: train.txt, valid2.txt, test2.txt    lines ['ID', 'text', label], also in text/; or
         train.json, valid.json, test.json   objects with image_id, text, label
         dataset_image/ID.jpg
Twitter-15: train.tsv, dev.tsv, test.tsv     index, label, image, text with $T$, target
         twitter2015_images/IMAGE""",
    Options=ImageTextOptions,
    plan=plan,
)
