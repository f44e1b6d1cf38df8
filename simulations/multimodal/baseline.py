"""Logistic regression on the features of all modalities side by side: what a network must not fall behind."""

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from simulations.multimodal.datasets import Dataset
from simulations.multimodal.encoders.cnn import outline
from simulations.multimodal.replicate import Replicate
from simulations.multimodal.settings import Settings
from simulations.multimodal.splits import Part

NAME = "logistic regression"


def logistic_accuracy(dataset: Dataset, number: int, settings: Settings) -> float:
    """Test accuracy of multinomial logistic regression (L2, C = 1) on the split of a seed, fitted on its train rows.

    Vectors are used as they are; of a signal (C, T), image or spectrogram each channel's `outline`. All standardised
    by the train rows. Nothing is selected, so the validation rows are left aside.
    """
    parts, _ = Replicate(dataset, number, settings).parts()
    train, test = (_columns(parts[part]) for part in ("train", "test"))
    mean, deviation = train.mean(0), train.std(0)
    scale = np.where(deviation > 0, deviation, 1.0)
    model = LogisticRegression(max_iter=5000).fit((train - mean) / scale, parts["train"].target.numpy())
    return float(model.score((test - mean) / scale, parts["test"].target.numpy()))


def _columns(part: Part) -> NDArray[np.float64]:
    tensors = [tensor.double() for tensor in part.features.values()]
    return np.concatenate([(x if x.ndim == 2 else outline(x)).numpy() for x in tensors], axis=1)
