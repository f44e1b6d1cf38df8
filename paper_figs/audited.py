"""The verdicts that figures draw: curves beside their bounds, and values of a solver."""

from dataclasses import replace
from typing import Any

from paper_figs.reading import Source
from paper_figs.records import Audit

BOUNDS = (
    "nonconvex-bound",
    "nonconvex-decreasing-bound",
    "tuned-step",
    "abc-bound",
    "convex-bound",
    "strongly-convex-bound",
    "pl-linear-bound",
    "pl-decreasing-bound",
    "biased-bound",
    "biased-abc-bound",
    "self-importance-bound",
    "pl-self-importance-bound",
    "full-gradient-bound",
    "past-importance-no-floor",
)
"""Claims whose evidence holds measured curves beside their bounds."""

SOLVED = (
    "worst-case-solved-gradient-descent",
    "worst-case-solved-masked-descent",
    "worst-case-solved-relative-bias",
    "worst-case-solved-absolute-bias",
    "worst-case-solved-top-one",
)
"""Claims whose evidence holds worst cases of a solver beside closed forms."""

DRAWN = (*BOUNDS, *SOLVED)

_CURVES = ("horizons", "measured", "bound", "upper limit over bound", "refuted part of the bound")
_EXACT = "rows"  # the differences between its columns are drawn


def abridged(verdicts: list[dict[str, Any]]) -> dict[str, Any]:
    """Of results/verdicts.json, what figures draw: curves with six significant digits, no texts but the headings."""
    kept = []
    for verdict in verdicts:
        if verdict["id"] in DRAWN:
            items = [
                {
                    **evidence,
                    "tolerance_source": "",
                    "scope": "",
                    "witness": None,
                    "details": _details(evidence["details"]),
                }
                for evidence in verdict["evidence"]
            ]
            kept.append({**verdict, "statement": "", "assumptions": [], "evidence": items})
    return {"verdicts": kept}


def _details(found: dict[str, Any]) -> dict[str, Any]:
    curves = {key: _short(found[key]) for key in _CURVES if key in found}
    return {**curves, **({_EXACT: found[_EXACT]} if _EXACT in found else {})}


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    return [_short(item) for item in value] if isinstance(value, list) else value


AUDIT = Source(
    "verdicts.json",
    Audit,
    "python -m simulations audit",
    length=lambda audit: sum(verdict.id in DRAWN for verdict in audit.verdicts),
    abridged=abridged,
)
"""For the figure on worst cases: an audit without a solver is shorter than a recorded one with it."""

BOUNDED = replace(AUDIT, length=lambda audit: sum(verdict.id in BOUNDS for verdict in audit.verdicts))
"""For the figure on bounds, which are measured with a solver or without."""
