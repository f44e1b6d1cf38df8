"""Backbones of the package transformers: made from a configuration or read from a local folder, never the network."""

import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import torch
from pydantic import model_validator
from torch import Tensor, nn

from amss_min.modalities import Part
from simulations.multimodal.encoders.base import MissingExtraError
from simulations.multimodal.layers import linear
from simulations.multimodal.options import Options

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


class PretrainedError(ValueError):
    """A folder of pretrained weights that cannot be used; the message names the folder and the reason."""


class BackboneOptions(Options):
    """pretrained: a folder with config.json and model.safetensors of this kind of model; empty for none.

    With a folder the sizes in `own_sizes` are the folder's, and others are refused.
    """

    own_sizes: ClassVar[tuple[str, ...]] = ()
    pretrained: str = ""

    @model_validator(mode="after")
    def _one_source_of_sizes(self) -> "BackboneOptions":
        fields = type(self).model_fields
        given = [name for name in self.own_sizes if getattr(self, name) != fields[name].default]
        if self.pretrained and given:
            raise ValueError(f"sizes come from the folder pretrained={self.pretrained!r}, found {', '.join(given)} too")
        return self


class Backbone(nn.Module):
    """A backbone and a linear layer with tanh on what it gives: (B, width) -> (B, D), in [-1, 1].

    A subclass says how rows are read (`pooled`) and where its attention is (`own_parts`).
    """

    def __init__(self, backbone: nn.Module, width: int, features: int, generator: torch.Generator) -> None:
        super().__init__()
        self.backbone, self.head = backbone, linear(width, features, generator)

    def pooled(self, x: Tensor) -> Tensor:
        """What the backbone gives for every row, (B, width)."""
        raise NotImplementedError

    def own_parts(self) -> list[Part]:
        """Units that replace those found in the module; none here."""
        return []

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, D) in [-1, 1]."""
        return torch.tanh(self.head(self.pooled(x)))


def transformers(encoder: str) -> Any:
    """The package, imported on first use: some 3 s. Raises MissingExtraError where it is not installed."""
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        raise MissingExtraError(
            f"the encoder {encoder!r} needs the extra models: pip install 'amss-min[models]' ({error})"
        ) from error


@contextmanager
def seeded(generator: torch.Generator) -> Iterator[None]:
    """Let torch's global CPU generator continue from a draw of this one; afterwards it is as it was before.

    transformers draws initial weights from the global generator and takes no other. Other devices' are not touched.
    """
    seed = int(torch.randint(2**63 - 1, (), generator=generator))
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would seed every device.
        torch.default_generator.manual_seed(seed)
        yield


def from_config(model: Any, config: Any, generator: torch.Generator, **options: Any) -> nn.Module:
    """A model with initial weights as transformers draws them, from this generator alone."""
    with seeded(generator):
        made: nn.Module = model(config, **options)
    return made


def checked_config(folder: str, encoder: str, model_type: str) -> Mapping[str, Any]:
    """The config.json of a folder of pretrained weights.

    Raises PretrainedError for a folder that is missing, lacks a file, or holds another kind of model.
    """
    where = f"the encoder {encoder!r}: pretrained folder {folder}"
    if not Path(folder).is_dir():
        raise PretrainedError(f"{where} does not exist")
    if not any((Path(folder) / name).is_file() for name in WEIGHTS):
        raise PretrainedError(f"{where} must hold {' or '.join(WEIGHTS)}, found neither")
    try:
        config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PretrainedError(f"{where} must hold a config.json that can be read: {error}") from error
    found = config.get("model_type") if isinstance(config, dict) else None
    if found != model_type:
        raise PretrainedError(f"{where} must hold a model of type {model_type!r}, found {found!r}")
    return dict(config)


def from_folder(
    model: Any, folder: str, encoder: str, generator: torch.Generator, *, overrides: Mapping[str, Any], **options: Any
) -> nn.Module:
    """A model with the weights of a folder that `checked_config` has passed; every one of its tensors must be there.

    overrides: entries of the configuration that replace the folder's.
    Raises PretrainedError for weights that cannot be read, are missing or have other shapes.
    """
    where = f"the encoder {encoder!r}: pretrained folder {folder}"
    try:
        with seeded(generator), _quiet():
            made, report = model.from_pretrained(
                folder,
                config=model.config_class.from_pretrained(folder, local_files_only=True, **overrides),
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                **options,
            )
    except Exception as error:  # a broken file raises what its reader happens to raise
        raise PretrainedError(f"{where} cannot be read: {type(error).__name__}: {error}") from error
    missing = sorted(str(key) for key in report["missing_keys"])
    mismatched = sorted(str(key[0] if isinstance(key, tuple) else key) for key in report["mismatched_keys"])
    for problem, keys in (("lacks", missing), ("holds in other shapes", mismatched)):
        if keys:
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            raise PretrainedError(f"{where} {problem} {', '.join(keys[:3])}{more}")
    loaded: nn.Module = made
    # from_pretrained leaves its model in evaluation mode.
    return loaded.train()


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bar and no report on standard error while weights are read."""
    logging = importlib.import_module("transformers.utils.logging")
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
