"""The documentation: every public name has a docstring and a place; the built site is whole and needs no network."""

import ast
import doctest
import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

import pytest

import docs_site.docstrings
from docs_site.docstrings import rendered
from docs_site.reference import Module, nav, public_definitions, public_modules
from tests.paper_figs.report.chromium import Browser, NoChromium, browser, executable

ROOT = Path(__file__).resolve().parent.parent
MODULES = public_modules(ROOT)
PAPERS = ("https://arxiv.org/", "https://doi.org/")
MISSING = [package for package in ("mkdocs", "material", "mkdocstrings_handlers") if find_spec(package) is None]
DARK = "rgb(30, 33, 41)"


def undocumented(modules: list[Module]) -> list[str]:
    """Public names without a docstring."""
    bare = [module.name for module in modules if not ast.get_docstring(module.tree)]
    return bare + [
        name for module in modules for name, node in public_definitions(module) if not ast.get_docstring(node)
    ]


def docstrings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from filter(None, [ast.get_docstring(node)])


def test_every_public_name_has_a_docstring() -> None:
    assert len(MODULES) > 400
    assert undocumented(MODULES) == []


def test_a_name_without_a_docstring_is_found(tmp_path: Path) -> None:
    path = tmp_path / "bare.py"
    path.write_text(
        '"""A module."""\n'
        "class Bare:\n"
        "    @property\n"
        "    def size(self): ...\n"
        "    def _private(self): ...\n"
        "if True:\n"
        "    def late(): ...\n"
        'def told():\n    """Told."""\n    def inner(): ...\n'
    )
    assert sorted(undocumented([Module("bare", path)])) == ["bare.Bare", "bare.Bare.size", "bare.late"]


def test_every_public_module_has_one_page_in_the_reference() -> None:
    def pages(section: object) -> Iterator[str]:
        for entry in section if isinstance(section, list) else [section]:
            yield from [entry] if isinstance(entry, str) else [page for part in entry.values() for page in pages(part)]

    found = list(pages(nav(MODULES)))
    assert sorted(found) == sorted(module.page for module in MODULES)
    assert len(set(found)) == len(found)
    files = {
        path
        for package in ("amss_min", "theory", "simulations", "paper_figs")
        for path in (ROOT / package).rglob("*.py")
    }
    left_out = {path.relative_to(ROOT).as_posix() for path in files} - {
        module.path.relative_to(ROOT).as_posix() for module in MODULES
    }
    assert all("/_" in path for path in left_out)


def test_rendered_docstrings_keep_every_character() -> None:
    for module in MODULES:
        for text in docstrings(module.tree):
            rows = any(line.startswith("| ") for line in text.splitlines())
            told = "\n".join(line.removeprefix("- ") for line in text.splitlines() if set(line) - set("|-"))
            shown = html.unescape(re.sub(r"<[^>]*>", "", rendered(text)))
            ignored = r"[\s`|]" if rows else r"[\s`]"
            assert re.sub(ignored, "", shown) == re.sub(ignored, "", told), (module.name, text)


def test_docstrings_are_read_by_their_layout() -> None:
    shown = rendered(
        "What |g_j|^2 * a is.\n\nSetting\n-------\nx: a size, and then some words that go on for long enough\nhere.\n"
        "y (..., n) bool: drawn.\n\n    a  <= b\n\n- one\n  more\n- two\n\n"
        "| a | b |\n|---|---|\n| `c` | |d| |\n\n>>> 1 < 2\nTrue"
    )
    assert "\n" not in shown
    assert "<p>What |g_j|^2 * a is.</p>" in shown
    assert '<p class="plain-heading">Setting</p>' in shown
    assert '<span class="field">x: a size, and then some words that go on for long enough here.</span>' in shown
    assert '<span class="field">y (..., n) bool: drawn.</span>' in shown
    assert "<pre><code>a  &lt;= b</code></pre>" in shown
    assert "<ul><li>one more</li><li>two</li></ul>" in shown
    assert "<tr><th>a</th><th>b</th></tr>" in shown and "<tr><td><code>c</code></td><td>|d|</td></tr>" in shown
    assert "&gt;&gt;&gt;" in shown and 'class="highlight"' in shown
    assert rendered("a <script> & b") == '<div class="plain"><p>a &lt;script&gt; &amp; b</p></div>'


def test_the_examples_of_the_renderer_hold() -> None:
    assert doctest.testmod(docs_site.docstrings) == doctest.TestResults(failed=0, attempted=2)


class Links(HTMLParser):
    """What a page loads, where it leads, and the anchors it has."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.led: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for key in ("id", "name"):
            if given.get(key):
                self.anchors.add(str(given[key]))
        target = given.get("src") or given.get("href")
        if target:
            (self.led if tag == "a" else self.loaded).append(target)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; the build itself must not warn."""
    if MISSING:
        pytest.skip(f"the documentation needs the extra 'docs': found no package {', '.join(MISSING)}")
    folder = tmp_path_factory.mktemp("docs").resolve() / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    variables = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert not re.search(r"WARNING|ERROR|DEPRECAT", said, re.IGNORECASE), said
    return folder


def read(site: Path) -> dict[Path, Links]:
    found = {}
    for path in sorted(site.rglob("*.html")):
        if path != site / "404.html":  # only a server shows it, from its own root
            found[path] = Links()
            found[path].feed(path.read_text("utf-8"))
    return found


def fetched(pages: dict[Path, Links]) -> list[str]:
    """What pages load from elsewhere, and links that lead to anything but papers."""
    loaded = [target for links in pages.values() for target in links.loaded if re.match(r"\w+://|//", target)]
    led = [target for links in pages.values() for target in links.led if re.match(r"\w+://|//|mailto:", target)]
    return loaded + [target for target in led if not target.startswith(PAPERS)]


def broken(site: Path, pages: dict[Path, Links]) -> list[str]:
    """Links to files or anchors that are not there."""
    found = []
    for path, links in pages.items():
        for target in {*links.led, *links.loaded}:
            if re.match(r"\w+://|//|data:|mailto:", target):
                continue
            file, _, anchor = unquote(target).partition("#")
            goal = (path.parent / file.partition("?")[0]).resolve() if file else path
            goal = goal / "index.html" if goal.is_dir() else goal
            if not goal.is_file() or (anchor and goal in pages and anchor not in pages[goal].anchors):
                found.append(f"{path.relative_to(site)}: {target}")
    return found


def test_a_broken_link_and_a_fetched_script_are_found(tmp_path: Path) -> None:
    site = tmp_path.resolve()
    (site / "a.html").write_text(
        '<p id="here"><a href="b.html#gone">b</a> <a href="#here">a</a> <a href="c.html">c</a>'
    )
    (site / "b.html").write_text(
        '<script src="//cdn.example/x.js"></script><a href="https://arxiv.org/abs/1">p</a><a href="https://example.org">q</a>'
    )
    pages = read(site)
    assert sorted(broken(site, pages)) == ["a.html: b.html#gone", "a.html: c.html"]
    assert fetched(pages) == ["//cdn.example/x.js", "https://example.org"]


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Links]:
    found = read(site)
    assert len(found) > len(MODULES)
    return found


@pytest.mark.slow
def test_nothing_is_loaded_from_a_network(site: Path, pages: dict[Path, Links]) -> None:
    assert fetched(pages) == []
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", sheet.read_text("utf-8")), sheet


@pytest.mark.slow
def test_every_link_and_anchor_resolves(site: Path, pages: dict[Path, Links]) -> None:
    assert broken(site, pages) == []


@pytest.mark.slow
def test_every_public_name_has_its_anchor(site: Path, pages: dict[Path, Links]) -> None:
    missing = [
        name
        for module in MODULES
        for name in [module.name, *(name for name, _ in public_definitions(module))]
        if name not in pages[(site / module.page).with_suffix(".html")].anchors
    ]
    assert missing == []


@pytest.mark.slow
def test_formulas_are_mathematics(site: Path) -> None:
    text = (site / "claims.html").read_text("utf-8")
    assert text.count("<math") > 300
    assert "arithmatex" not in text
    assert 'class="autorefs-broken"' not in "".join(path.read_text("utf-8") for path in site.rglob("index.html"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    try:
        path = executable()
    except NoChromium as problem:
        pytest.skip(f"headless Chromium is not there: {problem}")
    folder = Path(tempfile.mkdtemp(prefix="amss-min-"))
    try:
        with browser(folder / "profile", path) as found:
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_a_folder_of_pages_is_searched_in_a_browser(site: Path, chromium: Browser) -> None:
    chromium.size(1280)
    chromium.media(scheme="dark")
    chromium.open((site / "reference" / "theory" / "moments.html").as_uri())
    assert chromium.run("getComputedStyle(document.body).backgroundColor") == DARK
    chromium.media(scheme="light")
    deadline = time.monotonic() + 60  # a script of the page answers the change, and colours pass over
    while (colour := chromium.run("getComputedStyle(document.body).backgroundColor")) == DARK:
        assert time.monotonic() < deadline, colour
        time.sleep(0.1)
    chromium.run("document.querySelector('input.md-search__input').focus()")
    chromium.type("sen_yates_grundy")
    chromium.press("s", 83)
    found: list[str] = []
    deadline = time.monotonic() + 60
    while not found and time.monotonic() < deadline:
        time.sleep(0.2)
        found = chromium.run(
            "Array.from(document.querySelectorAll('.md-search-result__item a')).map(item => item.href)"
        )
    assert any("sen_yates_grundy" in unquote(address) for address in found)
    assert chromium.errors == [] and chromium.failed == []
    assert [address for address in chromium.requests if not address.startswith(("file:", "data:", "about:"))] == []
