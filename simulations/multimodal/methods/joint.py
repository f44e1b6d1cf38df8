"""Plain joint training."""

from simulations.multimodal.methods.base import Method


class Joint(Method):
    """One loss of the joint logits, and every gradient whole."""

    summary = "plain joint training, every gradient whole"
    source = "the usual practice"
