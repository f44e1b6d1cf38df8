"""Tables on a terminal of any width, in a pipe, and without colours: no word is ever cut."""

import io
import re

import pytest
from rich.console import Console
from rich.table import Table

from amss_min.testing.console import complain, out, say, show

WORDS = ("second-moment-design-free", "COUNTEREXAMPLE", "what it is: a longer sentence of several words", "[0, 1]")


class Terminal(io.StringIO):
    """Text that is kept, from what takes it for a terminal."""

    def isatty(self) -> bool:
        """It looks like one."""
        return True


def table() -> Table:
    """One row of words, under headings that are shorter; the first may not be wrapped."""
    made = Table(title="words", caption="the end")
    for number, heading in enumerate(("claim", "kind", "about", "range")):
        made.add_column(heading, no_wrap=number == 0)
    made.add_row(*(word.replace("[", r"\[") for word in WORDS))
    return made


def printed(width: int, file: io.StringIO) -> str:
    """What `show` prints on a console of this width."""
    show(table(), Console(file=file, width=width))
    return re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())


@pytest.mark.parametrize("width", range(36, 130))
def test_every_word_is_whole_at_every_width(width: int) -> None:
    text = printed(width, Terminal())
    assert max(map(len, text.split("\n"))) <= width
    assert "\u2026" not in text
    for word in (*" ".join(WORDS).split(), "words", "kind", "about", "range"):
        assert word in text


def test_a_narrow_terminal_gets_no_frame_and_a_narrower_one_paragraphs() -> None:
    least = 25 + 14 + len("sentence") + len("range")  # the widest words
    assert "\u2503" in printed(least + 13, Terminal())
    for width in (least + 12, least + 6):
        frameless = printed(width, Terminal())
        assert "\u2503" not in frameless and frameless.split("\n")[1].split() == ["claim", "kind", "about", "range"]
    paragraphs = printed(least + 5, Terminal()).split("\n")
    assert paragraphs[:2] == ["words", WORDS[0]]
    assert paragraphs[2].split() == ["kind", WORDS[1]]


def test_a_pipe_is_as_wide_as_the_words_need() -> None:
    text = printed(20, io.StringIO())
    assert WORDS[0] in text and WORDS[1] in text and "\u2026" not in text


def test_an_empty_cell_takes_no_line_of_a_paragraph() -> None:
    made = Table("name", "first", "second")
    made.add_row("a" * 30, "", "b" * 30)
    file = Terminal()
    show(made, Console(file=file, width=40))
    assert "first" not in file.getvalue() and "second" in file.getvalue()


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)])
def test_no_color_leaves_plain_text(variables: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm", "COLUMNS": "80", **variables}.items():
        monkeypatch.setenv(name, value)
    file = Terminal()
    monkeypatch.setattr("sys.stdout", file)
    out().print("[bold red]REFUTED[/]")
    assert ("\x1b[" in file.getvalue()) == coloured
    assert out().width == 80


def test_lines_stand_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    line = "[bold]" + "word " * 60
    say(line)
    complain(line)
    assert capsys.readouterr() == (line + "\n", line + "\n")
