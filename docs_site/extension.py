"""What griffe calls while it reads the sources for mkdocstrings."""

from typing import Any

from griffe import Extension, GriffeLoader, Module, Object

from docs_site.docstrings import MARK, rendered


class PlainDocstrings(Extension):
    """Puts the HTML of every docstring where mkdocstrings expects its text."""

    def on_object(self, *, obj: Object, loader: GriffeLoader, **kwargs: Any) -> None:
        """Every module below a package, class, function and attribute, once its package is loaded."""
        _render(obj)

    def on_package(self, *, pkg: Module, loader: GriffeLoader, **kwargs: Any) -> None:
        """Every package at the top, which griffe does not pass to `on_object`."""
        _render(pkg)


def _render(obj: Object) -> None:
    docstring = obj.docstring
    if docstring is not None and not docstring.value.startswith(MARK):
        docstring.value = rendered(docstring.value)
