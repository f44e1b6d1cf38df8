"""AMSS: a 0/1 mask by importance, with keep fractions by significance."""

from simulations.multimodal.methods.masked import Masked


class MaskedSubnetworks(Masked):
    """AMSS as described: successive sampling by squared gradient, keep by information rate, update w - lr (m .* g)."""

    summary = "0/1 mask by squared gradient, keep by information rate"
    source = "AMSS: Yang et al., TPAMI 2025, arXiv 2404.08347"
