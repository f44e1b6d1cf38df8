"""The shape of the source: import order, no sideways imports, names, lengths, and who may print.

Every rule is a function from the root of a tree to its violations; each is applied to this repository, and each is
shown to bite on a small bad tree.
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("amss_min", "theory", "simulations", "paper_figs")
ISLANDS = ("theory/claims", "amss_min/designs", "simulations/objectives")
SHARED = "base"
VAGUE = {"utils", "util", "helpers", "helper", "misc", "common"}
LONGEST = 350
PRINTERS = ("print", "sys.stdout.write", "sys.stderr.write")

Rule = Callable[[Path], list[str]]


def modules(root: Path, *folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Every Python file of these folders, as (path relative to the root, syntax tree)."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            yield path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(path: str, tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Every import of a file, wherever it stands, as (absolute module, name in it or "", name it is bound to)."""
    package = path.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "", alias.asname or alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            anchor = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*anchor, *([node.module] if node.module else [])])
            yield from ((module, alias.name, alias.asname or alias.name) for alias in node.names)


def against_the_layers(root: Path) -> list[str]:
    """A layer imports itself and what is below it; no layer imports the tests or the front door."""
    found = []
    for path, tree in modules(root, *LAYERS):
        allowed = LAYERS[: LAYERS.index(path.split("/")[0]) + 1]
        forbidden = {*LAYERS, "tests", "bootstrap"}.difference(allowed)
        for module, *_ in imported(path, tree):
            if module.split(".")[0] in forbidden:
                found.append(f"{path} imports {module}")
    return found


def sideways(root: Path) -> list[str]:
    """The members of an island, which are the modules its __init__ collects, do not import each other.

    What __init__ leaves out, and base, is ground that the members may share; an import through the package counts.
    """
    found = []
    for island in ISLANDS:
        package = island.replace("/", ".")
        trees = {path: tree for path, tree in modules(root, island) if path.count("/") == island.count("/") + 1}
        collector = trees.pop(f"{island}/__init__.py", ast.parse(""))
        home, members = {}, set()
        for module, name, bound in imported(f"{island}/__init__.py", collector):
            home[bound] = name if module == package else module.removeprefix(f"{package}.")
            members.add(home[bound])
        members &= {Path(path).stem for path in trees} - {SHARED}
        for path, tree in trees.items():
            for module, name, _ in imported(path, tree):
                target = home.get(name, name) if module == package else module.removeprefix(f"{package}.")
                if module.startswith(package) and target in members - {Path(path).stem}:
                    found.append(f"{path} imports the member {target}")
    return found


def vague_names(root: Path) -> list[str]:
    """No module and no folder is named after nothing in particular."""
    paths = [path for folder in (*LAYERS, "tests") for path in (root / folder).rglob("*")]
    kept = [path.relative_to(root) for path in paths if path.is_dir() or path.suffix == ".py"]
    return [f"{path} has a vague name" for path in kept if path.stem.strip("_").lower() in VAGUE]


def too_long(root: Path) -> list[str]:
    """No file has more lines than one concept needs."""
    paths = [path for folder in (*LAYERS, "tests") for path in (root / folder).rglob("*.py")] + [*root.glob("*.py")]
    lengths = {path.relative_to(root): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    return [f"{path} has {length} lines, at most {LONGEST}" for path, length in lengths.items() if length > LONGEST]


def prints(root: Path) -> list[str]:
    """Only programs print, or write to the standard streams: __main__ files and scripts with a __main__ guard."""
    found = []
    for path, tree in modules(root, *LAYERS):
        guards = [ast.unparse(node.test) for node in tree.body if isinstance(node, ast.If)]
        if path.endswith("/__main__.py") or "__name__ == '__main__'" in guards:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in PRINTERS:
                found.append(f"{path}:{node.lineno} calls {ast.unparse(node.func)}")
    return found


RULES: tuple[Rule, ...] = (against_the_layers, sideways, vague_names, too_long, prints)


@pytest.mark.parametrize("rule", RULES)
def test_the_repository_keeps_the_rule(rule: Rule) -> None:
    assert rule(ROOT) == []


def test_the_rules_look_at_the_source() -> None:
    for layer in LAYERS:
        assert any(True for _ in modules(ROOT, layer)), f"no Python file found in {layer}"
    for island in ISLANDS:
        assert any(True for _ in modules(ROOT, island)), f"no Python file found in {island}"


def island(folder: str, text: str) -> dict[str, str]:
    """A package that collects the members a (with this text) and b."""
    package = folder.replace("/", ".")
    collector = f"from {package}.b import CLAIM as B\nfrom {package}.a import CLAIM as A"
    return {f"{folder}/__init__.py": collector, f"{folder}/a.py": text, f"{folder}/b.py": ""}


TEETH: tuple[tuple[Rule, dict[str, str], str], ...] = (
    (against_the_layers, {"amss_min/amss.py": "import theory.claims"}, "amss_min/amss.py imports theory.claims"),
    (against_the_layers, {"theory/a.py": "def f():\n    from simulations import b"}, "theory/a.py imports simulations"),
    (against_the_layers, {"simulations/x/a.py": "import tests"}, "simulations/x/a.py imports tests"),
    (sideways, island("theory/claims", "from theory.claims.b import B"), "theory/claims/a.py imports the member b"),
    (sideways, island("theory/claims", "from theory.claims import b"), "theory/claims/a.py imports the member b"),
    (sideways, island("theory/claims", "import theory.claims.b"), "theory/claims/a.py imports the member b"),
    (sideways, island("amss_min/designs", "from .b import B"), "amss_min/designs/a.py imports the member b"),
    (sideways, island("amss_min/designs", "from . import b"), "amss_min/designs/a.py imports the member b"),
    (sideways, island("simulations/objectives", "from simulations.objectives import B"), "imports the member b"),
    (vague_names, {"theory/utils.py": ""}, "theory/utils.py has a vague name"),
    (vague_names, {"tests/_helpers/test_a.py": ""}, "tests/_helpers has a vague name"),
    (too_long, {"paper_figs/a.py": "x = 1\n" * (LONGEST + 1)}, "paper_figs/a.py has 351 lines"),
    (prints, {"theory/a.py": "print(1)"}, "theory/a.py:1 calls print"),
    (prints, {"theory/a.py": "import sys\nsys.stderr.write('x')"}, "theory/a.py:2 calls sys.stderr.write"),
)


def plant(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("rule", "files", "expected"), TEETH)
def test_the_rule_bites(rule: Rule, files: dict[str, str], expected: str, tmp_path: Path) -> None:
    plant(tmp_path, files)
    found = rule(tmp_path)
    assert len(found) == 1
    assert expected in found[0]


def test_the_rules_leave_a_good_tree_alone(tmp_path: Path) -> None:
    shared = "from amss_min.designs.base import Base\nfrom amss_min.designs.ground import f\nimport amss_min.weightings"
    plant(tmp_path, island("amss_min/designs", shared))
    plant(
        tmp_path,
        {
            "amss_min/designs/base.py": "",
            "amss_min/designs/ground.py": "from amss_min.designs.base import Base",
            "theory/claims/a.py": "from amss_min.designs import A\nfrom theory.claims.base import f",
            "theory/claims/base.py": "x = 1\n" * LONGEST,
            "paper_figs/__main__.py": "print(1)",
            "simulations/make.py": "if __name__ == '__main__':\n    print(1)",
            "paper_figs/a.py": "from simulations import x\nconsole.print(1)",
        },
    )
    assert [rule(tmp_path) for rule in RULES] == [[]] * len(RULES)
