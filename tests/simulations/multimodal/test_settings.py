from pathlib import Path

import pytest
from pydantic import ValidationError

import simulations.multimodal
from simulations.multimodal.names import close_names
from simulations.multimodal.settings import Settings, SettingsError, read_settings

FOLDER = Path(simulations.multimodal.__file__).parent
HTAD = FOLDER / "htad.toml"


def test_the_file_of_htad_is_readable_and_holds_the_settings_of_the_reference() -> None:
    settings = read_settings(HTAD)
    assert (settings.lr, settings.momentum, settings.weight_decay, settings.batch) == (0.01, 0.9, 1e-4, 64)
    assert (settings.epochs, settings.lr_step, settings.tau) == (80, 60, 0.2)
    assert settings.methods == ("joint", "uniform", "amss", "amss+")


def test_overrides_win_over_the_file_and_are_read_as_toml() -> None:
    settings = read_settings(HTAD, ["lr=1e-3", "hidden=[16, 8]", " epochs = 2 ", "methods=joint, amss+"], seeds=7)
    assert (settings.lr, settings.hidden, settings.epochs, settings.seeds) == (1e-3, (16, 8), 2, 7)
    assert settings.methods == ("joint", "amss+")
    assert settings.batch == 64


def test_a_single_size_and_a_single_method_need_no_list() -> None:
    settings = read_settings(HTAD, ["hidden=16", "methods=amss"])
    assert (settings.hidden, settings.methods) == ((16,), ("amss",))


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "missing.toml") == Settings()


@pytest.mark.parametrize(
    ("override", "finding"),
    [
        ("epoch=3", "no setting 'epoch'; did you mean 'epochs'"),
        ("lr", "written name=value, found 'lr'"),
        ("methods=joint,amms", "no method 'amms'; did you mean 'amss'"),
        ("methods=[]", "at least one method"),
        ("methods=amss,amss", "each method is named once"),
        ("lr=-1", "setting lr: .* found -1"),
        ("lr=nan", "setting lr: "),
        ("lr=fast", "setting lr: .* found 'fast'"),
        ("epochs=0", "setting epochs: .* found 0"),
        ("hidden=[8, 0]", "setting hidden.1: .* found 0"),
        ("floor=0.95", "floor must not exceed ceiling, found floor=0.95 and ceiling=0.9"),
        ("uniform_keep=1.5", "setting uniform_keep: "),
        ("seeds=3", "seeds has an option of its own"),
    ],
)
def test_a_bad_override_is_one_line_that_names_it(override: str, finding: str) -> None:
    with pytest.raises(SettingsError, match=finding) as caught:
        read_settings(HTAD, [override], seeds=2)
    assert "\n" not in str(caught.value)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("lr = = 3", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"cannot read the settings broken\.toml"):
        read_settings(tmp_path / "broken.toml")


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Settings().lr = 1.0


def test_without_a_close_name_all_are_offered() -> None:
    assert close_names("zzz", ["b", "a"]) == "'a' or 'b'"
