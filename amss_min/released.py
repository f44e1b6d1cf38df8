"""The departures of the released code from the described method, each of them switchable."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Released:
    """Which departures of the released code (njustkmg/TPAMI-AMSS, commit 3161ecc) to reproduce.

    shifted_inverse: AMSS+ weights 1/(q_j + 1/n) instead of inverse inclusion probabilities (R1; their mean
    is about k/2, R2). shift: replaces 1/n, as the image-text script does with 0.2.
    head_unmasked: the head's mask is built and never multiplied into the gradient (R3).
    index_weight: the head's AMSS+ weight divides by the drawn index, 1/(index + 1/n) (R4; visible only
    without head_unmasked).
    swapped_ratio: the keep fractions of a pair of modalities are exchanged (R5).
    released_entropy: H(Y) is computed as CrossEntropy(p, p), softmax included (R6).

    The last two act where keep is a MutualInformationRate; fractions given as numbers stay as given.
    """

    shifted_inverse: bool = True
    shift: float | None = None
    head_unmasked: bool = True
    index_weight: bool = True
    swapped_ratio: bool = True
    released_entropy: bool = True
