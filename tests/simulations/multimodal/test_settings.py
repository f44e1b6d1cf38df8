from pathlib import Path

import pytest
from pydantic import ValidationError

import simulations.multimodal
from simulations.multimodal.names import close_names
from simulations.multimodal.settings import Settings, SettingsError, read_settings

FOLDER = Path(simulations.multimodal.__file__).parent
HTAD = FOLDER / "configs" / "htad.toml"


def test_the_file_of_htad_is_readable_and_holds_the_settings_of_the_reference() -> None:
    settings = read_settings(HTAD)
    plan = settings.training
    assert (plan.lr, plan.momentum, plan.weight_decay, plan.batch) == (0.01, 0.9, 1e-4, 64)
    assert (plan.epochs, plan.lr_step) == (80, 60)
    assert settings.methods == ("joint", "uniform", "amss", "amss+")
    assert settings.method("amss")[1].model_dump()["temperature"] == 0.2


@pytest.mark.parametrize("path", sorted(HTAD.parent.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_file_is_readable(path: Path) -> None:
    overrides = ["data.name=htad"] if path.stem == "default" else []
    settings = read_settings(path, overrides)
    if settings.compare.methods:
        assert "joint" in settings.compared.methods


def test_overrides_win_over_the_file_and_are_read_as_toml() -> None:
    chosen = ["training.lr=1e-3", "compare.lrs=[0.1, 0.2]", " training.epochs = 2 ", "methods=joint, amss+"]
    settings = read_settings(HTAD, chosen, seeds=7)
    assert (settings.training.lr, settings.compare.lrs, settings.training.epochs) == (1e-3, (0.1, 0.2), 2)
    assert (settings.methods, settings.seeds, settings.training.batch) == (("joint", "amss+"), 7, 64)


def test_options_belong_to_a_method_and_a_table_may_name_another_one() -> None:
    chosen = ["options.amss+.design=poisson", 'options.mild={method="amss", temperature=2.0}', "methods=amss+,mild"]
    settings = read_settings(HTAD, chosen)
    assert settings.method("amss+")[1].model_dump()["design"] == "poisson"
    kind, options = settings.method("mild")
    assert kind is settings.method("amss")[0] and options.model_dump()["temperature"] == 2.0


@pytest.mark.parametrize(
    ("override", "finding"),
    [
        ("training.epoch=3", r"no setting 'training.epoch'; did you mean 'training.epochs'"),
        ("lr=3", r"no setting 'lr'; did you mean 'training.lr'\?"),
        ("training.lr", "written name=value, found 'training.lr'"),
        ("methods=joint,amms", "no method 'amms'; did you mean 'amss'"),
        ("methods=[]", "at least one method"),
        ("methods=amss,amss", "each method is named once"),
        ("training.lr=-1", "setting training.lr: .* found -1"),
        ("training.lr=nan", "setting training.lr: "),
        ("training.lr=fast", 'setting training.lr: .* found "fast"'),
        ("training.epochs=0", "setting training.epochs: .* found 0"),
        ("training.device=tpu", "the device must be cpu"),
        ("options.amss.temprature=1", "method amss has no option 'temprature'; did you mean 'temperature'"),
        ("options.amss.temperature=-1", "method amss: "),
        ("options.joint.x=1", "method joint has no option 'x'; it has none"),
        ("compare.methods=amss", "the baseline must be among the compared methods"),
        ("methods.x=1", "methods holds no table"),
        ("seeds=3", "seeds has an option of its own"),
    ],
)
def test_a_bad_override_is_one_line_that_names_it(override: str, finding: str) -> None:
    with pytest.raises(SettingsError, match=finding) as caught:
        read_settings(HTAD, [override], seeds=2)
    assert "\n" not in str(caught.value)


def test_a_broken_file_and_one_without_data_are_named(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("lr = = 3", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"cannot read the settings .*broken\.toml"):
        read_settings(tmp_path / "broken.toml")
    (tmp_path / "empty.toml").write_text("", encoding="utf-8")
    with pytest.raises(SettingsError, match="setting data: it must be given"):
        read_settings(tmp_path / "empty.toml")


def test_settings_are_frozen_and_come_back_from_json() -> None:
    settings = read_settings(HTAD)
    with pytest.raises(ValidationError):
        settings.seeds = 1
    assert Settings(**settings.model_dump(mode="json")) == settings


def test_without_a_close_name_all_are_offered() -> None:
    assert close_names("zzz", ["b", "a"]) == "'a' or 'b'"
