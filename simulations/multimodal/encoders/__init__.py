"""Encoders by name: one modality's input in, features out."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from simulations.multimodal.encoders import ast, bert
from simulations.multimodal.encoders.base import Encoder
from simulations.multimodal.encoders.cnn import CNN1D, CNN2D
from simulations.multimodal.encoders.mlp import MLP
from simulations.multimodal.encoders.resnet import RESNET18, RESNET50

ENCODERS: Mapping[str, Encoder] = {
    encoder.name: encoder for encoder in (MLP, CNN1D, CNN2D, RESNET18, RESNET50, bert.ENCODER, ast.ENCODER)
}
_BY_DIMENSIONS = {1: MLP.name, 2: CNN1D.name, 3: RESNET18.name}


def default_encoder(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
    """The name of the encoder for rows of this shape: floats (F,) mlp, (C, T) cnn1d, (C, H, W) resnet18; ids (T,) bert.

    Raises ValueError for rows of another shape.

    >>> default_encoder((3, 32, 32), np.dtype(np.float32))
    'resnet18'
    """
    if np.issubdtype(dtype, np.integer) and len(shape) == 1:
        return bert.NAME
    if np.issubdtype(dtype, np.floating) and len(shape) in _BY_DIMENSIONS:
        return _BY_DIMENSIONS[len(shape)]
    raise ValueError(f"no encoder reads rows of shape {shape} and type {dtype} unless it is named")
