import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from simulations.multimodal import prepare_command as module
from simulations.multimodal.data.formats import FORMATS
from simulations.multimodal.data.formats.frames import read_images
from simulations.multimodal.data.formats.sound import LogMel, log_mel, read_wav
from simulations.multimodal.data.prepared import read_prepared
from simulations.multimodal.prepare_command import formats_text, prepare_command
from simulations.multimodal.splits import split
from tests.simulations.multimodal.data import raw_folders
from tests.simulations.multimodal.data.raw_folders import image, truncate

SMALL = ["size=8", "mel_bins=6", "seconds=0.25"]


def errors(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def nothing_is_left(tmp_path: Path) -> bool:
    return {path.name for path in tmp_path.iterdir()} == {"raw"}


def test_crema_d_is_prepared_by_actor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = raw_folders.crema_d(tmp_path / "raw")
    assert prepare_command("crema-d", raw, tmp_path / "out", [*SMALL, "frames=2"]) == 0
    assert "60 rows, audio 1 x 6 x 23, image 6 x 8 x 8; groups are actors" in capsys.readouterr().out
    data = read_prepared(tmp_path / "out")
    clips = sorted(raw_folders.CREMA_D)
    assert [data.target_names[label] for label in data.target] == [clip.split("_")[2] for clip in clips]
    assert [f"{1001 + actor}" for actor in data.groups] == [clip.split("_")[0] for clip in clips]
    spec = LogMel(mel_bins=6, seconds=0.25)
    for row in (0, 17, 59):
        sound = log_mel(*read_wav(raw / "AudioWAV" / f"{clips[row]}.wav"), spec)
        assert np.array_equal(data.features["audio"][row], sound)
        folder = raw / "Image-01-FPS" / clips[row]
        pixels = read_images([folder / "00000.jpg", folder / "00002.jpg"], 8)
        assert np.array_equal(data.features["image"][row], pixels)
    parts = split(data, rng=np.random.default_rng(0))
    assert all(not set(data.groups[parts["train"]]) & set(data.groups[parts[part]]) for part in ("validation", "test"))
    assert data.facts["source"]["audio"]["hop"] == 160 and data.facts["source"]["image"]["frames"] == 2


def test_a_truncated_wav_and_a_missing_frame_folder_are_both_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = raw_folders.crema_d(tmp_path / "raw")
    truncate(raw / "AudioWAV" / f"{raw_folders.CREMA_D[3]}.wav")
    gone = raw / "Image-01-FPS" / raw_folders.CREMA_D[8]
    for path in gone.iterdir():
        path.unlink()
    gone.rmdir()
    assert prepare_command("crema-d", raw, tmp_path / "out", SMALL) == 2
    message = errors(capsys)
    assert "2 found" in message
    assert f"{raw_folders.CREMA_D[3]}.wav: truncated: its chunk 'data' states 16000 bytes, found 7978" in message
    assert f"{gone}: no such folder of frames" in message
    assert nothing_is_left(tmp_path)
    assert (
        prepare_command("crema-d", raw, tmp_path / "out", [*SMALL, f"skip={[gone.name, raw_folders.CREMA_D[3]]}"]) == 0
    )
    assert len(read_prepared(tmp_path / "out")) == 58


def test_every_other_fault_of_crema_d_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = raw_folders.crema_d(tmp_path / "raw")
    clips = raw_folders.CREMA_D
    truncate(raw / "Image-01-FPS" / clips[0] / "00001.jpg")
    (raw / "AudioWAV" / f"{clips[1]}.wav").unlink()
    (raw / "AudioWAV" / f"{clips[2]}.wav").write_bytes(b"no sound")
    (raw / "AudioWAV" / f"{clips[4]}.wav").write_bytes((raw / "AudioWAV" / f"{clips[4]}.wav").read_bytes()[:30])
    for path in (raw / "Image-01-FPS" / clips[5]).iterdir():
        path.unlink()
    raw_folders.wav(raw / "AudioWAV" / "hello.wav", 0)
    (raw / "AudioWAV" / f"{clips[6]}.wav").write_bytes(_empty_wav())
    assert prepare_command("crema-d", raw, tmp_path / "out", SMALL) == 2
    message = errors(capsys)
    assert "7 found" in message
    for clip, reason in (
        (f"{clips[0]}/00001.jpg", "no whole image"),
        (f"{clips[1]}.wav", "no such file"),
        (f"{clips[2]}.wav", "not a wav file"),
        (f"{clips[4]}.wav", "truncated"),
        (clips[5], "at least 1 frames are needed, found 0"),
        (f"{clips[6]}.wav", "it has no samples"),
        ("hello", "a clip is named ACTOR"),
    ):
        assert any(f"{clip}: {reason}" in line for line in message.splitlines()), (clip, message)
    assert nothing_is_left(tmp_path)


def _empty_wav() -> bytes:
    import io

    from scipy.io import wavfile

    file = io.BytesIO()
    wavfile.write(file, 16000, np.empty(0, dtype=np.int16))
    return file.getvalue()


def test_crema_d_by_lists_carves_validation_out_of_train(tmp_path: Path) -> None:
    raw = raw_folders.crema_d(tmp_path / "raw")
    clips = sorted(raw_folders.CREMA_D)
    for part, chosen in (("train", clips[:48]), ("test", clips[48:])):
        text = "".join(f"{clip},{clip.split('_')[2]}\n" for clip in chosen)
        (raw / f"{part}.csv").write_text("\ufeff" + text, encoding="utf-8")
    assert prepare_command("crema-d", raw, tmp_path / "out", [*SMALL, "split=lists"]) == 0
    data = read_prepared(tmp_path / "out")
    assert data.groups is None and "every actor may be in all parts" in data.note
    assert data.parts["test"].tolist() == list(range(48, 60))
    assert sorted([*data.parts["train"], *data.parts["validation"]]) == list(range(48))
    assert np.bincount(data.target[data.parts["validation"]]).tolist() == [1] * 6  # a fifth of 8, rounded down
    (raw / "test.csv").write_text(f"{clips[0]},{clips[0].split('_')[2]}\n{clips[50]},NEU,x\n")
    assert prepare_command("crema-d", raw, tmp_path / "two", [*SMALL, "split=lists"]) == 2
    assert not (tmp_path / "two").exists()


@pytest.mark.parametrize("validation", [False, True])
def test_kinetics_sounds(tmp_path: Path, validation: bool) -> None:
    raw = raw_folders.kinetics_sounds(tmp_path / "raw", validation)
    assert prepare_command("kinetics-sounds", raw, tmp_path / "out", SMALL) == 0
    data = read_prepared(tmp_path / "out")
    assert data.target_names == ("playing piano", "tap dancing")
    sizes = {part: len(rows) for part, rows in data.parts.items()}
    assert sizes == (
        {"train": 10, "validation": 2, "test": 4} if validation else {"train": 8, "validation": 2, "test": 4}
    )
    assert ("a fifth" in data.note) == (not validation)


def test_faults_of_kinetics_sounds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = raw_folders.kinetics_sounds(tmp_path / "raw")
    truncate(raw / "train_wav" / "-train03.wav")
    (raw / "test_img" / "Image-01-FPS" / "-test01" / "00001.jpg").unlink()
    with (raw / "annotations" / "test.csv").open("a") as file:
        file.write("tap dancing\nflying,-test00,0,10,test\n")
    assert prepare_command("kinetics-sounds", raw, tmp_path / "out", SMALL) == 2
    message = errors(capsys)
    for finding in (
        "-train03.wav: truncated",
        "-test01: at least 1 frames",
        "test.csv: line 6: a line has 5 cells",
        "-test00 is listed twice",
        "no train clip has the label 'flying'",
    ):
        assert finding in message
    assert nothing_is_left(tmp_path)
    (raw / "annotations" / "train.csv").write_text("name,id\n")
    assert prepare_command("kinetics-sounds", raw, tmp_path / "out", SMALL) == 2
    assert "found no label" in errors(capsys)


def test_sarcasm(tmp_path: Path) -> None:
    raw = raw_folders.sarcasm(tmp_path / "raw")
    assert prepare_command("image-text", raw, tmp_path / "out", ["size=8", "tokens=9", "least=10"]) == 0
    data = read_prepared(tmp_path / "out")
    assert data.name == "sarcasm" and data.target_names == ("not sarcastic", "sarcastic")
    assert {part: len(rows) for part, rows in data.parts.items()} == {"train": 10, "validation": 4, "test": 4}
    assert data.target.tolist() == [*[0, 1] * 5, *[0, 1] * 2, *[0, 1] * 2]
    # words in ten train texts: ' it of row s train, in alphabetical order, from 3 on; row numbers are unknown
    assert (tmp_path / "out" / "vocabulary.txt").read_text().split() == ["'", "it", "of", "row", "s", "train"]
    assert data.features["text"][0].tolist() == [4, 3, 7, 6, 1, 5, 8, 0, 0]
    assert data.features["text"][-1].tolist() == [4, 3, 7, 6, 1, 5, 1, 0, 0]


def test_mmsd2_and_twitter(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    for part in ("train", "valid", "test"):
        entries = [{"image_id": row, "text": f"row {row}", "label": row % 2} for row in range(4)]
        (raw / "text_json_final").mkdir(parents=True, exist_ok=True)
        (raw / "text_json_final" / f"{part}.json").write_text(json.dumps(entries))
    for row in range(4):
        image(raw / "dataset_image" / f"{row}.jpg", row)
    assert prepare_command("image-text", raw, tmp_path / "out", ["size=8", "tokens=3"]) == 0
    assert read_prepared(tmp_path / "out").target.tolist() == [0, 1, 0, 1] * 3
    raw = raw_folders.twitter(tmp_path / "twitter")
    assert prepare_command("image-text", raw, tmp_path / "two", ["size=8", "tokens=9", "least=9"]) == 0
    data = read_prepared(tmp_path / "two")
    assert data.name == "twitter-15" and data.target.tolist() == [0, 1, 2] * 5
    # by count: ann and lee twice a text, then " plays train; segments apart by 2
    assert (tmp_path / "two" / "vocabulary.txt").read_text().split() == ["ann", "lee", '"', "plays", "train"]
    assert data.features["text"][0].tolist() == [5, 3, 4, 6, 7, 2, 3, 4, 0]


def test_faults_of_image_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = raw_folders.sarcasm(tmp_path / "raw")
    truncate(raw / "dataset_image" / "train3.jpg")
    (raw / "dataset_image" / "test21.jpg").unlink()
    (raw / "text" / "valid2.txt").write_text("['a', 'b', 2]\nnot a list\n['../x', 'b', 1]\n")
    assert prepare_command("image-text", raw, tmp_path / "out", ["size=8"]) == 2
    message = errors(capsys)
    for finding in (
        "5 found",
        "train3.jpg: no whole image",
        "test21.jpg: no such file",
        "valid2.txt: line 1: a label is one of 0, 1, found '2'",
        "valid2.txt: line 2: a line is a list",
        "valid2.txt: line 3: an image is a file of the folder of images, found '../x'",
    ):
        assert finding in message
    assert nothing_is_left(tmp_path)
    assert prepare_command("image-text", tmp_path / "raw" / "dataset_image", tmp_path / "out", []) == 2
    assert "one of train.tsv, train.txt, train.json is needed" in errors(capsys)


def test_a_local_wordpiece_vocabulary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("transformers")
    raw = raw_folders.twitter(tmp_path / "raw")
    assert prepare_command("image-text", raw, tmp_path / "out", [f"vocabulary={tmp_path}"]) == 2
    assert "a folder with a vocab.txt, found none" in errors(capsys)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ann", "le", "##e", "play", "##s", '"', "train"]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n")
    options = [f"vocabulary={tmp_path}", "size=8", "tokens=15"]
    assert prepare_command("image-text", raw, tmp_path / "out", options) == 0
    first = read_prepared(tmp_path / "out").features["text"][0]
    assert first.tolist() == [2, 10, 5, 6, 7, 8, 9, 11, 3, 5, 6, 7, 3, 0, 0]


def test_rgb_flow_depth(tmp_path: Path) -> None:
    raw = raw_folders.gestures(tmp_path / "raw")
    assert prepare_command("rgb-flow-depth", raw, tmp_path / "out", ["size=8", "frames=2"]) == 0
    data = read_prepared(tmp_path / "out")
    assert {name: data.shape(name) for name in data.modalities} == {
        "rgb": (6, 8, 8),
        "flow": (6, 8, 8),
        "depth": (2, 8, 8),
    }
    assert data.target.tolist() == [0, 1] * 7 and data.target_names == ("gesture 1", "gesture 2")
    assert set(data.groups[data.parts["test"]]) == {6, 7}
    assert len(data.parts["validation"]) == 2 and len(set(data.groups[data.parts["validation"]])) == 1
    assert not set(data.groups[data.parts["validation"]]) & set(data.groups[data.parts["train"]])
    # frames 3 to 6 are the gesture's: the middles of two halves are 4 and 6
    folder = raw / "Video_data" / "class_01" / "subject1_r0"
    frames = [folder / "sk_depth" / f"{number:05d}.png" for number in (4, 6)]
    assert np.array_equal(data.features["depth"][0], read_images(frames, 8, "L"))


def test_faults_of_rgb_flow_depth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = raw_folders.gestures(tmp_path / "raw")
    folder = raw / "Video_data" / "class_01"
    truncate(folder / "subject1_r0" / "sk_depth" / "00004.png")
    (folder / "subject2_r0" / "flow" / "00005.jpg").unlink()
    (folder / "subject3_r0" / "sk_color").rename(folder / "subject3_r0" / "color")
    with (raw / "nvgesture_test_correct_v2.lst").open("a") as file:
        file.write("path:./x color:sk_color:3:7 label:1\npath:./x depth:a:1:2 color:sk_color:3:7 label:0\n")
    assert prepare_command("rgb-flow-depth", raw, tmp_path / "out", ["size=8", "frames=4"]) == 2
    message = errors(capsys)
    for finding in (
        "5 found",
        "subject1_r0/sk_depth/00004.png: no whole image",
        "subject2_r0/flow: at least 4 frames are needed, found 3",
        "subject3_r0/sk_color: no such folder of frames",
        "line 5: no depth",
        "line 6: a label is at least 1, found 0",
    ):
        assert finding in message
    assert nothing_is_left(tmp_path)


@pytest.mark.parametrize(
    ("name", "options", "finding"),
    [
        ("crema", [], "no format 'crema'; did you mean 'crema-d'"),
        ("crema-d", ["sise=3"], "no option 'sise' of the format 'crema-d'; did you mean 'size' or"),
        ("crema-d", ["size=0"], "option size of the format 'crema-d'"),
        ("crema-d", ["size"], "an option is written NAME=VALUE, found 'size'"),
        ("crema-d", [], "AudioWAV: no such folder"),
        ("kinetics-sounds", [], "train.csv: No such file"),
        ("rgb-flow-depth", [], "one list *train*.lst is needed, found 0"),
    ],
)
def test_what_is_mistyped_is_answered_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, options: list[str], finding: str
) -> None:
    (tmp_path / "raw").mkdir()
    assert prepare_command(name, tmp_path / "raw", tmp_path / "out", options) == 2
    assert finding in errors(capsys)
    assert nothing_is_left(tmp_path)


def test_folders_that_cannot_be_used_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare_command("crema-d", tmp_path / "none", tmp_path / "out", []) == 2
    assert "the raw files must be in a folder, found none at" in errors(capsys)
    (tmp_path / "raw").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("")
    assert prepare_command("crema-d", tmp_path / "raw", tmp_path / "out", []) == 2
    assert "must be new or empty" in errors(capsys)
    assert (tmp_path / "out" / "mine").exists()


def raises(error: BaseException) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        raise error

    return refuse


def test_ctrl_c_and_a_full_disk_leave_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = raw_folders.twitter(tmp_path / "raw")
    monkeypatch.setattr(module, "write_prepared", raises(KeyboardInterrupt()))
    assert prepare_command("image-text", raw, tmp_path / "out", ["size=8"]) == 130
    assert "interrupted: nothing was written" in errors(capsys)
    monkeypatch.setattr(module, "write_prepared", raises(OSError(28, "No space left on device")))
    assert prepare_command("image-text", raw, tmp_path / "out", ["size=8"]) == 2
    assert "No space left on device" in errors(capsys)
    assert nothing_is_left(tmp_path)


def test_without_pillow_the_package_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = raw_folders.twitter(tmp_path / "raw")
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    assert prepare_command("image-text", raw, tmp_path / "out", ["size=8"]) == 2
    assert "needs the package 'pillow'" in errors(capsys)


def test_help_names_every_format_and_option() -> None:
    text = formats_text()
    for name, one in FORMATS.items():
        assert f"{name}: {one.summary}" in text
        assert all(f"{option}=" in text for option in one.Options.model_fields)
