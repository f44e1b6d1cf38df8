"""The pages of the reference: one for every public module, written from the source tree; nothing is imported."""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from docs_site.docstrings import first_sentence

PACKAGES = ("amss_min", "theory", "simulations", "paper_figs")
Nav = list[dict[str, "str | Nav"] | str]


@dataclass(frozen=True)
class Module:
    """A module of the source. name: as it is imported; path: its file."""

    name: str
    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))

    @property
    def package(self) -> bool:
        """Whether it is the `__init__.py` of a folder."""
        return self.path.name == "__init__.py"

    @property
    def page(self) -> str:
        """Where its page lies below docs/."""
        return f"reference/{self.name.replace('.', '/')}{'/index' if self.package else ''}.md"

    @property
    def summary(self) -> str:
        """The first sentence of its docstring, as HTML."""
        return first_sentence(ast.get_docstring(self.tree) or "")

    def exported(self) -> Iterator[tuple[str, str]]:
        """Names that a package offers from its modules, with the module that each comes from."""
        imported = {
            alias.asname or alias.name: (str(node.module), alias.name)
            for node in self.tree.body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for name in _listed(self.tree):
            if name in imported and ".".join(imported[name]) != f"{self.name}.{name}":
                yield name, ".".join(imported[name])


def _listed(tree: ast.Module) -> list[str]:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            return list(ast.literal_eval(node.value))  # type: ignore[attr-defined]
    return []


def public_modules(root: Path) -> list[Module]:
    """Every module of the four packages whose path has no name with a leading underscore, in order of name."""
    found = []
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            if not any(part.startswith("_") for part in parts):
                found.append(Module(".".join(parts), path))
    return sorted(found, key=lambda module: (PACKAGES.index(module.name.split(".")[0]), module.name.split(".")))


def public_definitions(module: Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    """Every public class, function, method and property of a module: its full name and its syntax tree."""
    waiting: list[tuple[str, ast.AST]] = [(module.name, module.tree)]
    while waiting:
        prefix, node = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if not child.name.startswith("_"):
                    yield f"{prefix}.{child.name}", child
                    if isinstance(child, ast.ClassDef):
                        waiting.append((f"{prefix}.{child.name}", child))
            elif isinstance(child, ast.If | ast.Try):
                waiting.append((prefix, child))


def page(module: Module, modules: list[Module]) -> str:
    """The Markdown of a module's page: its docstring and members; for a package also what it offers and holds."""
    parts = [f"::: {module.name}\n"]
    if module.package:
        names = list(module.exported())
        filters = ["!^_", *(f"!^{name}$" for name, _ in names)]  # these stand on the pages of their modules
        parts = [f"::: {module.name}\n    options:\n      filters: {json.dumps(filters)}\n"]
        known = {item.name: item for item in modules}
        rows = []
        for name, origin in names:
            home = known.get(origin.rpartition(".")[0])
            rows.append(_row(origin, name, _summary_of(origin, known) if home else ""))
        parts += _table("Names to import", "name", rows)
        below = [item for item in modules if item.name.rpartition(".")[0] == module.name]
        parts += _table("Modules", "module", [_row(item.name, item.name, item.summary) for item in below])
    return "\n".join(parts)


def _summary_of(name: str, known: dict[str, Module]) -> str:
    home, _, last = name.rpartition(".")
    found = dict(public_definitions(known[home])).get(name)
    if found is None and (origin := dict(known[home].exported()).get(last)) and origin.rpartition(".")[0] in known:
        return _summary_of(origin, known)
    return first_sentence(ast.get_docstring(found) or "") if found is not None else ""


def _row(identifier: str, name: str, summary: str) -> str:
    link = f'<autoref identifier="{identifier}" optional><code>{name}</code></autoref>'
    return f"<tr><td>{link}</td><td>{summary}</td></tr>"


def _table(title: str, head: str, rows: list[str]) -> list[str]:
    if not rows:
        return []
    return [
        f"## {title}\n",
        f"<table><thead><tr><th>{head}</th><th>what it is</th></tr></thead><tbody>{''.join(rows)}</tbody></table>\n",
    ]


def nav(modules: list[Module]) -> Nav:
    """The pages as the nested list that MkDocs takes: a section for each package, its own page first."""
    root: Nav = []
    sections: dict[str, Nav] = {"": root}
    for module in modules:
        parent, _, name = module.name.rpartition(".")
        if module.package:
            sections[module.name] = [module.page]
            sections[parent].append({name: sections[module.name]})
        else:
            sections[parent].append({name: module.page})
    return root
