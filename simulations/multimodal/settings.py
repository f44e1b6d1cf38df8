"""Every number of a training run, in one frozen record that refuses what it does not know."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from simulations.multimodal.methods import METHODS
from simulations.multimodal.names import close_names

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(gt=0, le=1)]


class SettingsError(ValueError):
    """A setting that cannot be used; the message is one line."""


class Settings(BaseModel):
    """The settings of a training run. The defaults are those of the reference where it states them.

    methods: names in METHODS. seeds: number of replicates, 0 .. seeds - 1. root: seed from which all others follow.
    epochs, batch: length and batch size. lr, momentum, weight_decay: of SGD; lr is multiplied by lr_decay
    after lr_step epochs. hidden: hidden sizes of every encoder. features: size D of every encoder's output.
    tau, floor, ceiling: temperature and clamp of the keep fraction by mutual information rate (amss, amss+).
    uniform_keep: keep fraction of the method `uniform`. confidence: level of the intervals.
    workers: processes; 1 runs in the calling process. No result depends on it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    methods: tuple[str, ...] = ("joint", "uniform", "amss", "amss+")
    seeds: Count = 5
    root: Annotated[int, Field(ge=0)] = 0
    epochs: Count = 80
    batch: Count = 64
    lr: Positive = 0.01
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1e-4
    lr_step: Count = 60
    lr_decay: Fraction = 0.1
    hidden: tuple[Count, ...] = (64,)
    features: Count = 32
    tau: Positive = 0.2
    floor: Fraction = 0.1
    ceiling: Fraction = 0.9
    uniform_keep: Fraction = 0.5
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    workers: Count = 2

    @field_validator("methods", "hidden", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [item.strip() for item in value.split(",")]
        return [value] if isinstance(value, int) else value

    @field_validator("methods")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise ValueError("at least one method is needed, found none")
        for name in names:
            if name not in METHODS:
                raise ValueError(f"no method {name!r}; did you mean {close_names(name, METHODS)}?")
        if len(set(names)) < len(names):
            raise ValueError(f"each method is named once, found {', '.join(names)}")
        return names

    @model_validator(mode="after")
    def _ordered(self) -> "Settings":
        if self.floor > self.ceiling:
            raise ValueError(f"floor must not exceed ceiling, found floor={self.floor} and ceiling={self.ceiling}")
        return self


def read_settings(path: Path, overrides: Sequence[str] = (), **fixed: Any) -> Settings:
    """The settings of a TOML file, then the overrides `name=value`, then the fixed ones.

    The value of an override is read as TOML (`lr=1e-3`, `hidden=[64, 64]`), else taken as text (`methods=joint,amss`).
    Raises SettingsError, one line that names the setting and offers close names.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"cannot read the settings {path.name}: {error}") from error
    for override in overrides:
        name, sign, text = override.partition("=")
        if not sign:
            raise SettingsError(f"an override is written name=value, found {override!r}")
        if name.strip() in fixed:
            raise SettingsError(f"setting {name.strip()} has an option of its own, found it among the overrides")
        values[name.strip()] = _value(text.strip())
    for name in values:
        if name not in Settings.model_fields:
            raise SettingsError(f"no setting {name!r}; did you mean {close_names(name, Settings.model_fields)}?")
    try:
        return Settings(**{**values, **fixed})
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from error


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    reason = first["msg"].removeprefix("Value error, ")
    name = ".".join(str(part) for part in first["loc"])
    return f"setting {name}: {reason}, found {first['input']!r}" if first["type"] != "value_error" else reason
