"""What to answer to a mistyped name."""

import difflib
from collections.abc import Iterable


def close_names(name: str, known: Iterable[str]) -> str:
    """The up to three known names nearest to a mistyped one, else all of them, ready for a message.

    >>> close_names("amms", ["joint", "amss", "amss+"])
    "'amss' or 'amss+'"
    >>> close_names("xyz", ["joint", "amss"])
    "'amss' or 'joint'"
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or sorted(names)
    return " or ".join(repr(item) for item in close)
