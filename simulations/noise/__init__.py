"""Stochastic gradient oracles with known second moments, one a file.

| noise | g | E|g|^2 |
|---|---|---|
| Gaussian, PerModality | grad F + xi, symmetric in every coordinate given the others | |grad F|^2 + sigma2 |
| TwoPoint, skewed | grad F + xi, skewed where p is not 1/2 | |grad F|^2 + sigma2 |
| Student | grad F + xi, heavy tails | |grad F|^2 + sigma2 |
| OneLarge | grad F + xi, jointly symmetric but not coordinate by coordinate | |grad F|^2 + sigma2 |
| Multiplicative | (1 + s z) grad F | (1 + s^2) |grad F|^2 |
| ModalityDropout | a modality is there with probability p_m | at most |grad F|^2 / min p |
| ProgressOracle | hides the next coordinate of a chain | at most |grad F|^2 / p |
| SampledTerms | one term of a finite sum, independent or reshuffled | at most 2 A (F - F*) + C |
"""

from simulations.noise.base import AdditiveNoise, ExpectedSmoothness, Noise
from simulations.noise.finite_sum import SampledTerms
from simulations.noise.gaussian import Gaussian
from simulations.noise.modality_dropout import ModalityDropout
from simulations.noise.multiplicative import Multiplicative
from simulations.noise.one_large import OneLarge
from simulations.noise.per_modality import PerModality
from simulations.noise.progress_oracle import Chain, ProgressOracle
from simulations.noise.student import Student
from simulations.noise.two_point import TwoPoint, skewed

__all__ = [
    "AdditiveNoise",
    "Chain",
    "ExpectedSmoothness",
    "Gaussian",
    "ModalityDropout",
    "Multiplicative",
    "Noise",
    "OneLarge",
    "PerModality",
    "ProgressOracle",
    "SampledTerms",
    "Student",
    "TwoPoint",
    "skewed",
]
