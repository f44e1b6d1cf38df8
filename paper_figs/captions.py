"""Captions as files: for LaTeX and for Markdown. Text is plain, with mathematics between dollar signs."""

from paper_figs.figure import Figure

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_MARKDOWN = {character: f"\\{character}" for character in "\\`*_[]<>#|"}


def latex(figure: Figure, caption: str) -> str:
    r"""A figure environment for a file beside it: graphic, caption, label.

    Only what stands between dollar signs is left to TeX.
    """
    place = r"\columnwidth" if figure.size[0] < 4 else r"\textwidth"
    star = "" if figure.size[0] < 4 else "*"
    lines = [
        rf"\begin{{figure{star}}}",
        r"  \centering",
        rf"  \includegraphics[width={place}]{{{figure.name}.pdf}}",
        rf"  \caption{{\textbf{{{_escaped(figure.title, _LATEX)}.}} {_escaped(caption, _LATEX)}}}",
        rf"  \label{{fig:{figure.name}}}",
        rf"\end{{figure{star}}}",
    ]
    return "\n".join(lines) + "\n"


def markdown(figure: Figure, caption: str, alt: str) -> str:
    """The picture with its alternative text, then the caption; mathematics stays between dollar signs."""
    shown = " ".join(_escaped(alt.replace("$", ""), _MARKDOWN).split())
    return f"![{shown}]({figure.name}.png)\n\n**{figure.title}.** {_escaped(caption, _MARKDOWN)}\n"


def _escaped(text: str, names: dict[str, str]) -> str:
    r"""Text with every character that has a meaning of its own written by name, mathematics as it is.

    >>> _escaped("95% of $a_1$, x_2", _LATEX)
    '95\\% of $a_1$, x\\_2'
    """
    parts = text.split("$")
    parts[0::2] = ["".join(names.get(character, character) for character in words) for words in parts[0::2]]
    return "$".join(parts)
