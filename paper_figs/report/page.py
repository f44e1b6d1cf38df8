"""What all pages of the report share: head, policy, navigation, the switch of colours, the script."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from paper_figs.report.markup import Html, tag

PAGES = (
    ("index.html", "Claims"),
    ("figures.html", "Figures"),
    ("data.html", "Data sets"),
    ("estimators.html", "Estimators"),
    ("benchmarks.html", "Benchmarks"),
)
"""The pages, in order: file and name."""

_THEMES = (("", "as the system"), ("light", "light"), ("dark", "dark"))


def page(file: str, title: str, sections: Sequence[Html], contents: Sequence[tuple[str, str]] = ()) -> str:
    """The text of one of PAGES. contents: its parts, as (place, name).

    The policy of the page lets nothing be loaded but pictures beside it, and nothing run but its own script, which it
    names by digest: markup that slipped in through a name in a file could do neither.
    """
    style, script = _text("style.css"), _text("script.js")
    policy = (
        f"default-src 'none'; img-src 'self' file: data:; style-src '{_digest(style)}'; "
        f"script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} - amss-min"),
        tag("link", rel="icon", href="data:,"),
        tag("style", Html(style)),
        tag("script", Html(script)),
    )
    pages = (tag("a", name, href=place, aria_current="page" if place == file else None) for place, name in PAGES)
    parts = tag("ul", *(tag("li", tag("a", name, href=f"#{place}")) for place, name in contents))
    body = tag(
        "body",
        tag("a", "Skip to the content", href="#content", class_="skip"),
        tag(
            "header",
            tag("nav", tag("ul", *(tag("li", link) for link in pages)), aria_label="Pages"),
            _switch(),
            tag("h1", title),
            tag("nav", parts, aria_label="On this page") if contents else "",
        ),
        tag("main", *sections, id="content", tabindex="-1"),
        tag("footer", tag("p", "This report needs no network; its folder can be moved.")),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _switch() -> Html:
    """Light or dark: shown by the script, without which the page follows the system."""
    options = (tag("option", name, value=value) for value, name in _THEMES)
    return tag("p", tag("label", "Colours ", tag("select", *options, id="theme")), class_="switch", hidden="")


@cache
def _text(file: str) -> str:
    return Path(__file__).with_name(file).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
