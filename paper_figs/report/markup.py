"""HTML, put together so that text is escaped unless it is marked as HTML already."""

import html
import itertools
import re
from collections.abc import Iterable, Sequence

_VOID = {"img", "meta", "link", "input"}


class Html(str):
    """Text that is HTML already; everything else is escaped."""

    __slots__ = ()


def escaped(text: str) -> Html:
    """Text as HTML, safe between tags and inside quoted attributes; HTML as it is.

    >>> escaped("a < b"), escaped(Html("<b>a</b>"))
    ('a &lt; b', '<b>a</b>')
    """
    return text if isinstance(text, Html) else Html(html.escape(text, quote=True))


def join(children: Iterable[str], between: str = "") -> Html:
    """Children one after the other."""
    return Html(escaped(between).join(escaped(child) for child in children))


def tag(name: str, /, *children: str, **attributes: str | None) -> Html:
    """An element. Attributes: class_ is class, aria_label is aria-label; None leaves the attribute out.

    >>> tag("a", "x & y", href="#z", class_="link")
    '<a href="#z" class="link">x &amp; y</a>'
    """
    given = {key.removesuffix("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    opening = name + "".join(f' {key}="{html.escape(value, quote=True)}"' for key, value in given.items())
    return Html(f"<{opening}>" if name in _VOID else f"<{opening}>{join(children)}</{name}>")


def table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]], class_: str = "stack") -> Html:
    """A table whose first column heads its row; on a narrow page every row becomes a card.

    The class of a cell is c- and the heading of its column.
    Cards need `display: block`, which takes the meaning of a table away from screen readers: so roles say it again.
    """
    head = tag("tr", *(tag("th", text, scope="col", role="columnheader") for text in headings), role="row")
    body = []
    for first, *rest in rows:
        cells = [
            tag(
                "th",
                tag("span", first),
                class_=_column(headings[0]),
                scope="row",
                role="rowheader",
                data_label=headings[0],
            )
        ]
        pairs = zip(headings[1:], rest, strict=True)
        cells += [
            tag("td", tag("span", text), class_=_column(heading), role="cell", data_label=heading)
            for heading, text in pairs
        ]
        body.append(tag("tr", *cells, role="row"))
    parts = (tag("caption", caption), tag("thead", head, role="rowgroup"), tag("tbody", *body, role="rowgroup"))
    return tag("div", tag("table", *parts, class_=class_, role="table"), class_="scroll")


def places(prefix: str, names: Iterable[str]) -> list[str]:
    """Places on a page, one a name, each different: PREFIX-NAME, with what an address cannot hold left out.

    >>> places("claim", ["a b", "a/b"])
    ['claim-a-b', 'claim-a-b-2']
    """
    found: list[str] = []
    for name in names:
        place = f"{prefix}-" + re.sub(r"[^A-Za-z0-9_-]+", "-", name)
        others = (f"{place}-{number}" for number in itertools.count(2))
        found.append(place if place not in found else next(other for other in others if other not in found))
    return found


def _column(heading: str) -> str:
    return "c-" + re.sub("[^a-z]+", "-", heading.lower())
