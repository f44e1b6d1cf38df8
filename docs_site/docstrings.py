"""Docstrings as HTML. They are plain text, not Markdown: |g_j|^2 and a * b keep every character.

What the text means is read off its layout:

- a line underlined by dashes is a heading;
- `>>>` begins a doctest, to the end of its block;
- an indented block is set as it stands;
- lines that begin with a bar and a space are rows of a table;
- lines that begin with a dash are items of a list;
- anything else is a paragraph. Its lines are joined where the next word did not fit on the line; a line that ends
  earlier, or that is followed by the `name: ` of a symbol map, ends as its author wrote it.

Backticks make code. Everything is escaped.
"""

import html
import inspect
import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonConsoleLexer

MARK = '<div class="plain">'
"""How the HTML of a docstring begins."""

_FIELD = re.compile(r"[A-Za-z_`][\w.`]*(, [\w.`]+)*( \([^()]*\)( [a-z0-9]+)?)*: ")
_SLACK = 10
"""How far before the longest line of a paragraph a line may end without that being a choice of its author."""


def rendered(text: str) -> str:
    """A docstring as one line of HTML, which Markdown passes on as it is.

    >>> rendered("a * b < c_j")
    '<div class="plain"><p>a * b &lt; c_j</p></div>'
    """
    blocks = re.split(r"\n[ \t]*\n", inspect.cleandoc(text))
    return f"{MARK}{''.join(part for block in blocks for part in _parts(block.splitlines()))}</div>"


def first_sentence(text: str) -> str:
    """The first sentence of a docstring, as HTML to stand inside a line.

    >>> first_sentence("P(unit j drawn) of `Design`. Cost: n.")
    'P(unit j drawn) of <code>Design</code>.'
    """
    paragraph = " ".join(inspect.cleandoc(text).split("\n\n")[0].split())
    found = re.match(r"(.+?\.)( [A-Z`(]|$)", paragraph)
    return inline(found[1] if found else paragraph)


def inline(text: str) -> str:
    """Text of one line, escaped, with code between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def _parts(lines: list[str]) -> Iterator[str]:
    if len(lines) > 1 and set(lines[1]) == {"-"}:
        yield f'<p class="plain-heading">{inline(lines[0])}</p>'
        lines = lines[2:]
    code = next((place for place, line in enumerate(lines) if line.lstrip().startswith(">>>")), len(lines))
    text, doctest = lines[:code], lines[code:]
    for sort, group in groupby(_sorted(text), key=lambda pair: pair[0]):
        found = [line for _, line in group]
        if sort == "item":
            yield f"<ul>{''.join(f'<li>{_paragraph(item)}</li>' for item in _items(found))}</ul>"
        elif sort == "verbatim":
            yield _verbatim(found)
        elif sort == "table":
            yield _table(found)
        else:
            yield f"<p>{_paragraph(found)}</p>"
    if doctest:
        yield _one_line(
            highlight(_dedented(doctest), PythonConsoleLexer(), HtmlFormatter(cssclass="highlight", wrapcode=True))
        )


def _sorted(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every line with what it belongs to: an item of a list, a verbatim block, or a paragraph."""
    sort = "paragraph"
    for line in lines:
        if line.startswith("- "):
            sort = "item"
        elif line.startswith(("| ", "|--")):
            sort = "table"
        elif not line.startswith("  "):
            sort = "paragraph"
        elif sort != "item":
            sort = "verbatim"
        yield sort, line


def _items(lines: Sequence[str]) -> Iterator[list[str]]:
    item: list[str] = []
    for line in lines:
        if line.startswith("- ") and item:
            yield item
            item = []
        item.append(line[2:])
    yield item


def _paragraph(lines: Sequence[str]) -> str:
    """Lines joined by spaces, but apart where the author chose to end one; those of a symbol map are marked."""
    width = max(map(len, lines))
    pieces = [lines[0].strip()]
    for before, line in pairwise(lines):
        word = line.split(maxsplit=1)[0] if line.strip() else ""
        if len(before) + 1 + len(word) + _SLACK <= width or _FIELD.match(line):
            pieces.append(line.strip())
        else:
            pieces[-1] += " " + line.strip()
    if len(pieces) == 1:
        return inline(pieces[0])
    marked = [f'<span class="{"field" if _FIELD.match(piece) else "line"}">{inline(piece)}</span>' for piece in pieces]
    return "".join(marked)


def _verbatim(lines: Sequence[str]) -> str:
    return _one_line(f"<pre><code>{html.escape(_dedented(lines), quote=False)}</code></pre>")


def _table(lines: Sequence[str]) -> str:
    rows = [re.split(r" +\| +", line.strip().removeprefix("| ").removesuffix(" |")) for line in lines if line[1] != "-"]
    head, *body = ["".join(f"<td>{inline(cell)}</td>" for cell in row) for row in rows]
    inside = "".join(f"<tr>{row}</tr>" for row in body)
    return f"<table><thead><tr>{head.replace('td>', 'th>')}</tr></thead><tbody>{inside}</tbody></table>"


def _dedented(lines: Sequence[str]) -> str:
    return inspect.cleandoc("\n" + "\n".join(lines))


def _one_line(text: str) -> str:
    return text.strip().replace("\n", "&#10;")
