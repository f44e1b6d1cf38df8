"""Mathematics on the page: whole markup, nothing that the list does not hold, and the source where it cannot be set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper_figs.report.markup import Html, escaped, tag
from paper_figs.report.mathematics import converted, mathematics
from tests.paper_figs.html_tree import Tree


@given(st.text(alphabet=st.sampled_from("ab<>&\"'$\\{}^_ |%#;script") | st.characters(), max_size=40))
def test_mathematics_is_whole_markup_with_listed_elements_only(text: str) -> None:
    root = Tree(mathematics(text)).root
    for element in root.walk():
        assert element.tag in ("", "span", "code") or element.tag.startswith("m")
        assert not any(name.startswith("on") or name in ("href", "style", "src") for name in element.attributes)
    assert mathematics(text.replace("$", "")) == escaped(text.replace("$", ""))


@pytest.mark.parametrize(
    "latex",
    [
        r"\nosuchcommand",
        r"\href{javascript:alert(1)}{x}",
        r"\style{color:red}{x}",
        r"\class{a}{x}",
        r"\frac{1}",
        "{",
        "^",
    ],
)
def test_what_cannot_be_converted_is_shown_as_its_source(latex: str) -> None:
    assert converted(latex) is None
    assert Tree(mathematics(f"${latex}$")).root.text == f"${latex}$"


def test_a_formula_keeps_the_mark_that_follows_it() -> None:
    (span,) = Tree(mathematics("If $x$, then")).root.all("span")
    assert span.text == "x,"
    assert mathematics("one $ only") == "one $ only"


def test_markup_escapes_all_but_markup() -> None:
    assert tag("p", "<b>", Html("<b></b>"), title='"<') == '<p title="&quot;&lt;">&lt;b&gt;<b></b></p>'
