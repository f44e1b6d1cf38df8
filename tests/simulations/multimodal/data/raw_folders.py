"""Small raw folders in the layouts of known data sets."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

RATE = 16000


def image(path: Path, seed: int, size: tuple[int, int] = (12, 10), mode: str = "RGB") -> None:
    pil = pytest.importorskip("PIL.Image")
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    pil.fromarray(pixels).save(path)


def wav(path: Path, seed: int, seconds: float = 0.5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = np.random.default_rng(seed).integers(-9000, 9000, round(RATE * seconds), dtype=np.int16)
    wavfile.write(path, RATE, wave)


def truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


CREMA_D = [
    f"{actor}_{sentence}_{emotion}_XX"
    for actor in (1001, 1002, 1003, 1004, 1005)
    for sentence in ("DFA", "IEO")
    for emotion in ("NEU", "HAP", "SAD", "FEA", "DIS", "ANG")
]


def crema_d(raw: Path) -> Path:
    for seed, clip in enumerate(CREMA_D):
        wav(raw / "AudioWAV" / f"{clip}.wav", seed)
        for frame in range(3):
            image(raw / "Image-01-FPS" / clip / f"{frame:05d}.jpg", 10 * seed + frame)
    return raw


def kinetics_sounds(raw: Path, validation: bool = False) -> Path:
    parts = {"train": 10, "test": 4, **({"val": 2} if validation else {})}
    for part, clips in parts.items():
        lines = ["label,youtube_id,time_start,time_end,split"]
        for number in range(clips):
            name = f"-{part}{number:02d}"
            lines.append(f"{('playing piano', 'tap dancing')[number % 2]},{name},0,10,{part}")
            wav(raw / f"{part}_wav" / f"{name}.wav", number)
            image(raw / f"{part}_img" / "Image-01-FPS" / name / "00001.jpg", number)
        (raw / "annotations").mkdir(exist_ok=True, parents=True)
        (raw / "annotations" / f"{part}.csv").write_text("\n".join(lines) + "\n")
    return raw


def sarcasm(raw: Path) -> Path:
    (raw / "text").mkdir(parents=True)
    for part, rows, extra in (("train", 10, ""), ("valid2", 4, "0, "), ("test2", 4, "0, ")):
        lines = [f"['{part}{row}', \"it's row \\u2028 {row} of {part}\", {extra}{row % 2}]" for row in range(rows)]
        (raw / "text" / f"{part}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for row in range(rows):
            image(raw / "dataset_image" / f"{part}{row}.jpg", row)
    return raw


def twitter(raw: Path) -> Path:
    raw.mkdir(parents=True, exist_ok=True)
    for part, rows in (("train", 9), ("dev", 3), ("test", 3)):
        lines = ["index\t#1 Label\t#2 ImageID\t#3 String\t#3 String"]
        lines += [f'{row}\t{row % 3}\t{part}{row}.jpg\t"$T$ plays {part}\tAnn Lee' for row in range(rows)]
        (raw / f"{part}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for row in range(rows):
            image(raw / "twitter2015_images" / f"{part}{row}.jpg", row)
    return raw


def gestures(raw: Path) -> Path:
    for part, subjects in (("train", (1, 2, 3, 4, 5)), ("test", (6, 7))):
        lines = []
        for subject in subjects:
            for label in (1, 2):
                path = f"./Video_data/class_{label:02d}/subject{subject}_r0"
                lines.append(f"path:{path} depth:sk_depth:3:7 color:sk_color:3:7 duo_left:duo_left:5:9 label:{label}")
                for frame in range(10):
                    for folder in ("sk_color", "flow"):
                        image(raw / path / folder / f"{frame:05d}.jpg", frame)
                    image(raw / path / "sk_depth" / f"{frame:05d}.png", frame, mode="L")
        (raw / f"nvgesture_{part}_correct_v2.lst").write_text("\n".join(lines) + "\n")
    return raw
