"""The README's table of claims, generated from verdicts."""

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
        status = verdict["status"]
        if status != verdict["expected_status"]:
            status += f" (expected {verdict['expected_status']})"
        cells = [f"`{verdict['id']}`", verdict["statement"], status, verdict["scope"]]
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines)


def with_table(readme: str, table: str) -> str:
    """The README with this table between its markers; ValueError where they are missing."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README must hold the markers {BEGIN!r} and {END!r}, found one missing")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def update(readme: Path, verdicts: Sequence[Mapping[str, Any]]) -> bool:
    """Write the table into the README; returns whether anything changed."""
    old = readme.read_text()
    new = with_table(old, claims_table(verdicts))
    if new != old:
        readme.write_text(new)
    return new != old


def _cell(text: str) -> str:
    """The text on one line, without a bar that would end the cell: in mathematics (between dollar signs) by name."""
    parts = " ".join(text.split()).split("$")
    parts[0::2] = [words.replace("|", "\\|") for words in parts[0::2]]
    parts[1::2] = [formula.replace("\\|", "\\Vert ").replace("|", "\\vert ") for formula in parts[1::2]]
    return "$".join(parts)
