"""Mathematics between dollar signs, as MathML.

Browsers set it by themselves: no script, so that it stands with scripts switched off and the policy of the page can
forbid all but one; no fonts to ship; screen readers speak it; it prints, and it is selected as text.
"""

import html
from typing import Any
from xml.etree.ElementTree import Element, tostring

from latex2mathml.converter import convert_to_element

from paper_figs.report.markup import Html, escaped, join, tag

_LAYOUT = {"math", "mrow", "mspace", "msqrt", "mstyle", "mpadded", "mphantom", "mtable", "mtr", "mtd"}
_SCRIPTS = {"msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2, "munderover": 3, "mfrac": 2, "mroot": 2}
"""Elements with a fixed number of children."""
_TAGS = {"mi", "mo", "mn", "mtext"} | _LAYOUT | _SCRIPTS.keys()
_STRETCH = {"stretchy", "fence", "form", "separator", "minsize", "maxsize", "movablelimits", "accent", "accentunder"}
_SPACE = {"width", "lspace", "rspace", "linethickness", "columnalign", "rowspacing", "columnspacing"}
_ATTRIBUTES = {"xmlns", "display", "mathvariant", "displaystyle", "scriptlevel"} | _STRETCH | _SPACE
_CLOSING = tuple(",.;:)")  # what must not begin a line


def mathematics(text: str) -> Html:
    """Text with mathematics between dollar signs, as HTML; a formula that cannot be converted stays as its source.

    >>> mathematics("a < b")
    'a &lt; b'
    >>> mathematics(r"$\\nosuchcommand$")
    '<code class="tex">$\\\\nosuchcommand$</code>'
    """
    pieces = text.split("$")
    if len(pieces) % 2 == 0:
        return escaped(text)
    parts: list[str] = [pieces[0]]
    for latex, after in zip(pieces[1::2], pieces[2::2], strict=True):
        formula = converted(latex) or tag("code", f"${latex}$", class_="tex")
        if after.startswith(_CLOSING):
            formula, after = tag("span", formula, after[0], class_="glued"), after[1:]
        parts += [formula, after]
    return join(parts)


def converted(latex: str) -> Html | None:
    """A formula as MathML, or None where that is not possible.

    The converter writes its input into the document unescaped, and offers commands that make links and styles: so its
    tree is taken, its text is escaped here, and elements and attributes outside the list above are refused.
    """
    try:
        tree: Element[Any] = convert_to_element(latex)
    except Exception:  # whatever the parser stumbles over: the source is shown instead
        return None
    for node in tree.iter():
        if node.tag not in _TAGS or not _ATTRIBUTES.issuperset(node.attrib):
            return None
        if len(node) != _SCRIPTS.get(node.tag, len(node)):
            return None
        node.text = html.unescape(node.text or "")
        if "\\" in node.text or (node.tail or "").strip():
            return None
    del tree.attrib["xmlns"]  # HTML knows the element without it
    tree.set("alttext", latex)
    return Html(tostring(tree, encoding="unicode"))
