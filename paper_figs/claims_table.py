"""The tables of claims, generated from verdicts: a short one in the README, a full one in docs/claims.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BEGIN = "<!-- claims: begin (python3 bootstrap.py run paper_figs readme) -->"
END = "<!-- claims: end -->"


def claims_table(verdicts: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table with one row a claim: id, statement, verdict, scope.

    A verdict that was not expected says so. Text from outside is kept inside its cell.
    """
    lines = ["| claim | statement | verdict | scope |", "|---|---|---|---|"]
    for verdict in verdicts:
        cells = [f"`{verdict['id']}`", verdict["statement"], _verdict(verdict), verdict["scope"]]
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines)


def short_table(verdicts: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table with one row a claim: id, kind, verdict."""
    rows = [f"| `{verdict['id']}` | {verdict['kind'].lower()} | {_verdict(verdict)} |" for verdict in verdicts]
    return "\n".join(["| claim | kind | verdict |", "|---|---|---|", *rows])


def with_table(page: str, table: str) -> str:
    """The page with this table between its markers; ValueError where they are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page must hold the markers {BEGIN!r} and {END!r}, found one missing")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def update(root: Path, verdicts: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Write the tables into README.md and docs/claims.md under this folder; returns what changed."""
    tables = {root / "README.md": short_table(verdicts), root / "docs" / "claims.md": claims_table(verdicts)}
    pages = {path: (path.read_text(), with_table(path.read_text(), table)) for path, table in tables.items()}
    changed = {path: new for path, (old, new) in pages.items() if new != old}
    for path, new in changed.items():
        path.write_text(new)
    return list(changed)


def _verdict(verdict: Mapping[str, Any]) -> str:
    """The status; one that was not expected says so."""
    status = str(verdict["status"])
    return status if status == verdict["expected_status"] else f"{status} (expected {verdict['expected_status']})"


def _cell(text: str) -> str:
    """The text on one line, without a bar that would end the cell: in mathematics (between dollar signs) by name."""
    parts = " ".join(text.split()).split("$")
    parts[0::2] = [words.replace("|", "\\|") for words in parts[0::2]]
    parts[1::2] = [formula.replace("\\|", "\\Vert ").replace("|", "\\vert ") for formula in parts[1::2]]
    return "$".join(parts)
