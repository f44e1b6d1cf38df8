"""Every number of a training run, in one frozen record that refuses what it does not know."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from amss_min.testing.loading import BadInput
from simulations.multimodal.methods import Method, find_method
from simulations.multimodal.names import close_names

Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(gt=0, le=1)]
Share = Annotated[float, Field(gt=0, lt=1)]


class SettingsError(BadInput):
    """A setting that cannot be used; the message is one line."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Data(_Section):
    """name: a shipped data set, a prepared folder, or FILE.py:FUNCTION. options: its keyword arguments."""

    name: str
    options: dict[str, Any] = {}


class Encoder(_Section):
    """kind: a name in ENCODERS, or auto, by the shape of the input. options: those of the encoder."""

    kind: str = "auto"
    options: dict[str, Any] = {}


class Model(_Section):
    """features: size D of every encoder's output. encoders: modality -> Encoder, `default` for the unnamed ones."""

    features: Count = 32
    encoders: dict[str, Encoder] = {}
    fusion: str = "concatenation"
    fusion_options: dict[str, Any] = {}

    def encoder(self, modality: str) -> Encoder:
        """The encoder of a modality."""
        return self.encoders.get(modality, self.encoders.get("default", Encoder()))


class Training(_Section):
    """How one network is trained.

    epochs, batch: length and batch size. optimizer: sgd with momentum, or adamw with betas (momentum, .999). lr,
    weight_decay: of it; lr is multiplied by lr_decay after lr_step epochs. patience: epochs without a better validation
    score before the end, 0 for none. select: whose weights are scored, those of the epoch best on validation or of the
    last. rotation: standard deviation, in degrees, of random turns of three-axis signals in training, see Rotation; 0
    for none. precision: float32, or bfloat16 for the forward pass of the encoders and the
    fusion. device: cpu or cuda. checkpoint_seconds: least time between two checkpoints.
    """

    epochs: Count = 80
    batch: Count = 64
    optimizer: Literal["sgd", "adamw"] = "sgd"
    lr: Positive = 0.01
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1e-4
    lr_step: Count = 60
    lr_decay: Fraction = 0.1
    patience: Whole = 0
    select: Literal["best", "last"] = "best"
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    precision: Literal["float32", "bfloat16"] = "float32"
    device: str = "cpu"
    checkpoint_seconds: Annotated[float, Field(ge=0)] = 20.0

    @field_validator("device")
    @classmethod
    def _there(cls, name: str) -> str:
        try:
            device = torch.device(name)
        except RuntimeError:
            raise ValueError(f"the device must be cpu or cuda, found {name!r}") from None
        if device.type not in ("cpu", "cuda") or (device.type == "cuda" and not torch.cuda.is_available()):
            raise ValueError(f"the device must be cpu, or cuda where there is a GPU, found {name!r}")
        return name

    @model_validator(mode="after")
    def _with_one_end(self) -> "Training":
        if self.select == "last" and self.patience:
            raise ValueError(
                f"with training.select=last nothing is chosen by validation scores, so training.patience must be 0, "
                f"found {self.patience}"
            )
        return self


class Compare(_Section):
    """The protocol of `compare`.

    seeds: paired seeds, unless the command names their number. methods: what is compared, in place of the settings'
    own methods where any are named. lrs: stepsizes that every method is tuned over. tuning_seeds: replicates for that,
    apart from those compared.
    resamples: of the bootstrap. baseline: the method that the others are compared with.
    """

    seeds: Count = 10
    methods: tuple[str, ...] = ()
    lrs: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.003, 0.01, 0.03)
    tuning_seeds: Count = 2
    resamples: Annotated[int, Field(ge=1000)] = 20000
    baseline: str = "joint"

    @field_validator("methods", "lrs", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return _split(value)

    @model_validator(mode="after")
    def _with_baseline(self) -> "Compare":
        if self.methods and self.baseline not in self.methods:
            raise ValueError(f"the baseline must be among the compared methods, found {self.baseline!r}")
        return self


class Settings(_Section):
    """The settings of training runs. The defaults are those of the reference where it states them.

    methods: names in METHODS, FILE.py:CLASS, or names of tables in `options` with an entry `method`. seeds: number of
    replicates, 0 .. seeds - 1. root: seed from which all others follow. confidence: level of the intervals. workers:
    processes; 1 runs in the calling process, and no result depends on it. options: method -> its options.
    """

    data: Data
    model: Model = Model()
    training: Training = Training()
    compare: Compare = Compare()
    methods: tuple[str, ...] = ("joint", "uniform", "amss", "amss+")
    seeds: Count = 5
    root: Whole = 0
    confidence: Share = 0.95
    workers: Count = 2
    options: dict[str, dict[str, Any]] = {}

    @field_validator("methods", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return _split(value)

    @field_validator("methods")
    @classmethod
    def _distinct(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise ValueError("at least one method is needed, found none")
        if len(set(names)) < len(names):
            raise ValueError(f"each method is named once, found {', '.join(names)}")
        return names

    @model_validator(mode="after")
    def _known(self) -> "Settings":
        for name in (*self.methods, *self.compare.methods):
            self.method(name)
        return self

    @property
    def compared(self) -> "Settings":
        """These settings with the methods and the seeds that are compared."""
        return self.model_copy(update={"methods": self.compare.methods or self.methods, "seeds": self.compare.seeds})

    def method(self, name: str) -> tuple[type[Method], BaseModel]:
        """The class of a method and its options. Raises ValueError for a method or an option that is not known."""
        given = dict(self.options.get(name, {}))
        try:
            kind = find_method(str(given.pop("method", name)))
        except BadInput as error:
            raise ValueError(str(error)) from error
        for option in given:
            if option not in kind.Options.model_fields:
                known = kind.Options.model_fields
                hint = f"did you mean {close_names(option, known)}?" if known else "it has none"
                raise ValueError(f"method {name} has no option {option!r}; {hint}")
        try:
            return kind, kind.Options(**given)
        except ValidationError as error:
            raise ValueError(f"method {name}: {_one_line(error, 'option')}") from error

    @property
    def name(self) -> str:
        """A short name for files, from that of the data."""
        return Path(self.data.name.replace(".py:", "-")).name


def read_settings(path: Path, overrides: Sequence[str] = (), **fixed: Any) -> Settings:
    """The settings of a TOML file, then the overrides `section.name=value`, then the fixed ones.

    The value of an override is read as TOML (`training.lr=1e-3`, `compare.lrs=[0.01, 0.1]`), else taken as text
    (`methods=joint,amss`). Raises SettingsError, one line that names the setting and offers close names.
    """
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the settings {path}: {getattr(error, 'strerror', None) or error}") from error
    for override in overrides:
        name, sign, text = override.partition("=")
        if not sign:
            raise SettingsError(f"an override is written name=value, found {override!r}")
        if name.strip() in fixed:
            raise SettingsError(f"setting {name.strip()} has an option of its own, found it among the overrides")
        _put(values, name.strip(), _value(text.strip()))
    return settings_from({**values, **fixed})


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Settings of nested values; raises SettingsError as `read_settings` does."""
    _check_names(values, Settings, "")
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError(_one_line(error, "setting")) from error


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return [item.strip() for item in value.split(",")]
    return [value] if isinstance(value, int | float) else value


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    """Set a.b.c in nested tables; a method's name in `options` may hold dots of its own, so it is taken whole."""
    first, _, rest = name.partition(".")
    if first == "options" and "." in rest:
        method, _, option = rest.rpartition(".")
        path = [first, method, option]
    else:
        path = name.split(".")
    for key in path[:-1]:
        values = values.setdefault(key, {})
        if not isinstance(values, dict):
            raise SettingsError(f"setting {name}: {key} holds no table")
    values[path[-1]] = value


def _check_names(values: Mapping[str, Any], section: type[BaseModel], prefix: str) -> None:
    every = [*_names(Settings, "")]
    for name, value in values.items():
        if name not in section.model_fields:
            leaf = [known for known in every if known.rpartition(".")[2] == name]
            hint = " or ".join(map(repr, leaf)) if leaf else close_names(prefix + name, every)
            raise SettingsError(f"no setting {prefix + name!r}; did you mean {hint}?")
        kind = section.model_fields[name].annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel) and isinstance(value, Mapping):
            _check_names(value, kind, f"{prefix}{name}.")


def _names(section: type[BaseModel], prefix: str) -> list[str]:
    found = []
    for name, entry in section.model_fields.items():
        kind = entry.annotation
        inner = isinstance(kind, type) and issubclass(kind, BaseModel)
        found += _names(kind, f"{prefix}{name}.") if inner else [prefix + name]  # type: ignore[arg-type]
    return found


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _one_line(error: ValidationError, what: str) -> str:
    first = error.errors(include_url=False)[0]
    reason = first["msg"].removeprefix("Value error, ")
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "value_error":
        return reason
    if first["type"] == "missing":
        return f"{what} {name}: it must be given, found none"
    return f"{what} {name}: {reason}, found {json.dumps(first['input'], default=str)}"
