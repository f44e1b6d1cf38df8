"""Where a statement comes from."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Source:
    """The origin of a claim: a publication, the released code, or a derivation of our own.

    kind: "published" (a theorem in the reference), "released" (a fact about the released code, with its
    place), "described" (said in the reference, without a theorem) or "derived" (proved in the claim's own file;
    `reference` then names the closest literature).
    A derived statement is never presented as a theorem of the reference.
    """

    kind: str
    reference: str
    place: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ("published", "released", "described", "derived"):
            raise ValueError(f"a source is published, released, described or derived, found {self.kind!r}")

    def __str__(self) -> str:
        place = f", {self.place}" if self.place else ""
        return f"{self.kind}: {self.reference}{place}"


AMSS_PAPER = (
    "Yang, Pan, Jiang, Xu, Tang: Learning to Rebalance Multi-Modal Optimization by Adaptively Masking Subnetworks, "
    "IEEE TPAMI 47(6), 2025 (arXiv 2404.08347)"
)
AMSS_CODE = "released code of AMSS, njustkmg/TPAMI-AMSS at commit 3161ecc"
HORVITZ_THOMPSON = "Horvitz and Thompson, Journal of the American Statistical Association 47, 1952"
GHADIMI_LAN = "Ghadimi and Lan, SIAM Journal on Optimization 23(4), 2013"
