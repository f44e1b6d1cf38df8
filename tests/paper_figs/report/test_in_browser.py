"""The report in headless Chromium: no complaint, no request that leaves the folder, filters, colours, keys, print."""

import base64
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from paper_figs.report.page import PAGES
from tests.paper_figs.report.chromium import Browser, NoChromium, browser, executable
from tests.paper_figs.report.made import HOSTILE, hostile, whole, write
from theory.claims import CLAIMS

pytestmark = pytest.mark.slow

FILES = tuple(file for file, _ in PAGES)
SECTIONS = "Array.from(document.querySelectorAll('section.claim'))"
ROWS = "Array.from(document.querySelectorAll('table.verdicts tbody tr'))"
SHOWN = f"{SECTIONS}.filter(item => !item.hidden).map(item => item.querySelector('h3').textContent)"
SHOWN_ROWS = f"{ROWS}.filter(row => row.offsetHeight > 0).map(row => row.querySelector('th a').textContent)"
GROUND = "getComputedStyle(document.body).backgroundColor"
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(20, 23, 27)"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    try:
        path = executable()
    except NoChromium as problem:
        pytest.skip(f"headless Chromium is not there: {problem}")
    # A profile in a folder of pytest can be too deep for the sockets that Chromium makes in it.
    folder = Path(tempfile.mkdtemp(prefix="amss-min-"))
    try:
        with browser(folder / "profile", path) as found:
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fresh(chromium: Browser) -> Browser:
    """The browser with the look of a new one."""
    chromium.size(1280)
    chromium.media()
    chromium.call("Emulation.setScriptExecutionDisabled", value=False)
    for heard in (chromium.errors, chromium.requests, chromium.failed):
        heard.clear()
    return chromium


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    write(folder, whole(), text="A caption with $x^2$.")
    return folder / "report"


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    write(folder, hostile())
    return folder / "report"


def address(folder: Path, file: str = "index.html") -> str:
    return (folder / file).as_uri()


def opened(page: Browser, folder: Path, file: str = "index.html", place: str = "") -> Browser:
    """The page, opened anew with nothing remembered."""
    page.open(address(folder, file))
    page.run("localStorage.clear()")
    page.open("about:blank")
    page.open(address(folder, file) + place)
    return page


def quiet(page: Browser, folder: Path) -> None:
    """Nothing was complained about, and every request stayed in the folder."""
    assert page.errors == []
    assert page.failed == []
    assert all(asked.startswith((folder.as_uri() + "/", "data:", "about:")) for asked in page.requests)


@pytest.mark.parametrize("file", FILES)
def test_a_page_loads_without_complaint_and_without_leaving_its_folder(file: str, fresh: Browser, plain: Path) -> None:
    opened(fresh, plain, file)
    quiet(fresh, plain)
    assert address(plain, file) in fresh.requests
    images = "Array.from(document.images)"
    assert fresh.run(f"Promise.all({images}.map(image => image.decode())).then(() => true)")
    assert fresh.run(f"{images}.every(image => image.naturalWidth > 0)")
    quiet(fresh, plain)


@pytest.mark.parametrize("file", FILES)
def test_every_link_of_a_page_resolves(file: str, fresh: Browser, plain: Path) -> None:
    opened(fresh, plain, file)
    links = set(fresh.run("Array.from(document.querySelectorAll('a[href]'), link => link.href)"))
    assert len(links) >= len(FILES)
    for target in {link.partition("#")[0] for link in links if ".html" in link}:
        fresh.open("about:blank")
        fresh.open(target)
        for link in links:
            before, _, place = link.partition("#")
            if before == target and place:
                assert fresh.run(f"document.getElementById({place!r}) !== null"), link
    files = {link for link in links if ".html" not in link}
    there = {path.as_uri() for path in plain.rglob("*") if path.is_file()}
    assert files <= there


@pytest.mark.parametrize("file", FILES)
def test_hostile_text_stays_text(file: str, fresh: Browser, bad: Path) -> None:
    fresh.call("Page.addScriptToEvaluateOnNewDocument", source="window.alert = () => { window.attacked = true; };")
    opened(fresh, bad, file)
    quiet(fresh, bad)
    assert fresh.run("window.attacked === undefined")
    assert fresh.run("document.scripts.length") == 1
    assert fresh.run("document.body.textContent.includes('<script>alert(1)</script>')")
    assert fresh.run("Array.from(document.images).every(image => image.src.includes('/figures/'))")


def test_the_policy_stops_what_would_slip_through(fresh: Browser, plain: Path) -> None:
    opened(fresh, plain)
    attack = (
        "const image = document.createElement('img'); image.setAttribute('onerror', 'window.attacked = true');"
        "image.src = 'data:image/png,none'; document.body.append(image);"
        "const script = document.createElement('script'); script.textContent = 'window.attacked = true';"
        "document.body.append(script);"
        "fetch('https://example.invalid/').catch(() => 0).then(() => new Promise(done => setTimeout(done, 200)))"
    )
    fresh.run(f"(() => {{ {attack.replace('fetch', 'return fetch')} }})()")
    assert fresh.run("window.attacked === undefined")
    assert any("Content Security Policy" in said for said in fresh.errors)
    assert not any("example.invalid" in asked for asked in fresh.requests)


def test_formulas_are_set(fresh: Browser, plain: Path) -> None:
    opened(fresh, plain)
    boxes = fresh.run("Array.from(document.querySelectorAll('math'), math => math.getBoundingClientRect().width)")
    assert len(boxes) > sum(claim.statement.count("$") // 2 for claim in CLAIMS)
    assert min(boxes) > 0
    assert fresh.run("document.querySelectorAll('merror, code.tex').length") == 0
    # MathML is laid out as such: a numerator stands above its denominator, an exponent above its base.
    above = (
        "Array.from(document.querySelectorAll(NAME), item => [item.children[0], item.children[1]].map("
        "child => child.getBoundingClientRect())).every(([first, second]) => TEST)"
    )
    for name, test in (
        ("mfrac", "first.bottom <= second.top + 1"),
        ("msup", "second.top <= first.top + 1"),
        ("msub", "second.bottom >= first.bottom - 1"),
    ):
        assert fresh.run(f"document.querySelectorAll('{name}').length > 0")
        assert fresh.run(above.replace("NAME", f"'{name}'").replace("TEST", test)), name


def shown(page: Browser) -> list[str]:
    """The claims that are shown, in the table and below it alike."""
    found: list[str] = page.run(SHOWN)
    assert page.run(SHOWN_ROWS) == found
    told = page.run("document.getElementById('told').textContent")
    assert told == f"{len(found)} of {len(CLAIMS) + 1} claims shown"
    return found


def test_filters_and_search_work(fresh: Browser, plain: Path) -> None:
    opened(fresh, plain)
    everything = [*(claim.id for claim in CLAIMS), "open-rebalancing-helps-smartwatch"]
    assert shown(fresh) == everything
    fresh.run("document.querySelector('#filter input[value=CONSISTENT]').click()")
    assert shown(fresh) == [
        *(claim.id for claim in CLAIMS if claim.expected_status.value != "CONSISTENT"),
        everything[-1],
    ]
    fresh.run(
        "(() => { const kind = document.getElementById('kind'); kind.value = 'COUNTEREXAMPLE';"
        "kind.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    fits = [c.id for c in CLAIMS if c.expected_status.value != "CONSISTENT" and c.kind.value == "COUNTEREXAMPLE"]
    assert shown(fresh) == fits
    fresh.run("document.querySelector('#filter button').click()")
    fresh.run("new Promise(done => setTimeout(done, 50))")
    assert shown(fresh) == everything
    fresh.run("document.getElementById('search').focus()")
    fresh.type("HORVITZ  ht-unb")
    assert shown(fresh) == ["ht-unbiased"]
    fresh.run("document.getElementById('search').select()")
    fresh.type(r"\nabla F")
    assert 0 < len(shown(fresh)) < len(everything)
    fresh.run("document.getElementById('search').select()")
    fresh.type("<script>")
    assert shown(fresh) == []
    quiet(fresh, plain)


def test_a_link_to_a_claim_that_is_filtered_away_shows_it(fresh: Browser, plain: Path) -> None:
    opened(fresh, plain)
    fresh.run("document.getElementById('search').focus()")
    fresh.type("nothing has these words")
    assert shown(fresh) == []
    fresh.run("location.hash = '#claim-tuned-step'")
    fresh.run("new Promise(done => setTimeout(done, 100))")
    assert "tuned-step" in shown(fresh)
    top = fresh.run("document.getElementById('claim-tuned-step').getBoundingClientRect().top")
    assert 0 <= top < 900


def test_keys_reach_everything_in_order(fresh: Browser, plain: Path) -> None:
    opened(fresh, plain)
    reached = []
    for _ in range(5 + 30):
        fresh.press("Tab", 9)
        reached.append(fresh.run("(item => item.id || item.value || item.textContent)(document.activeElement)"))
    assert reached[0] == "Skip to the content"
    assert reached[1:7] == [*(name for _, name in PAGES), "theme"]
    statuses = ["HOLDS", "CONSISTENT", "INCONCLUSIVE", "REFUTED"]
    begin = reached.index("search")
    # Boxes carry their status as a value; the button has none.
    assert reached[begin : begin + 7] == ["search", *statuses, "kind", "Show all"]
    assert CLAIMS[0].id in reached[begin + 7 :]


def test_a_key_turns_a_status_off(fresh: Browser, plain: Path) -> None:
    opened(fresh, plain)
    fresh.run("document.querySelector('#filter input[value=HOLDS]').focus()")
    fresh.press(" ", 32, " ")
    assert shown(fresh) == [c.id for c in CLAIMS if c.expected_status.value != "HOLDS"] + [
        "open-rebalancing-helps-smartwatch"
    ]


def test_controls_have_names_for_a_screen_reader(fresh: Browser, plain: Path) -> None:
    opened(fresh, plain)
    fresh.call("Accessibility.enable")
    nodes = fresh.call("Accessibility.getFullAXTree")["nodes"]
    found: dict[str, list[Any]] = {}
    for node in nodes:
        if not node.get("ignored"):
            name = node.get("name", {}).get("value", "")
            found.setdefault(node.get("role", {}).get("value", ""), []).append(name.strip())
    assert found["searchbox"] == ["Search"]
    assert sorted(found["combobox"]) == ["Colours", "Kind"]
    assert found["checkbox"] == ["HOLDS", "CONSISTENT", "INCONCLUSIVE", "REFUTED"]
    assert found["group"] == ["Status"]
    assert found["search"] == ["Claims"]
    assert sorted(found["navigation"]) == ["On this page", "Pages"]
    assert "status" in found
    assert len(found["table"]) > len(CLAIMS)
    assert all(found["table"] + found["link"])
    fresh.call("Accessibility.disable")


def test_dark_follows_the_system_and_the_switch_overrides_it(fresh: Browser, plain: Path) -> None:
    opened(fresh, plain)
    assert fresh.run(GROUND) == LIGHT
    fresh.media(scheme="dark")
    assert fresh.run(GROUND) == DARK
    choose = (
        "(theme => { const choice = document.getElementById('theme'); choice.value = theme;"
        "choice.dispatchEvent(new Event('change', {bubbles: true})); })"
    )
    fresh.run(f"{choose}('light')")
    assert fresh.run(GROUND) == LIGHT
    fresh.open(address(plain, "data.html"))
    assert fresh.run(GROUND) == LIGHT
    assert fresh.run("document.getElementById('theme').value") == "light"
    fresh.media(scheme="light")
    fresh.run(f"{choose}('dark')")
    assert fresh.run(GROUND) == DARK
    fresh.run(f"{choose}('')")
    assert fresh.run(GROUND) == LIGHT
    quiet(fresh, plain)


CONTRAST = """(() => {
  const linear = c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const read = text => text.match(/[0-9.]+/g).map(Number);
  const ground = element => {
    for (let item = element; item; item = item.parentElement) {
      const colour = read(getComputedStyle(item).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const ratios = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = Array.from(element.childNodes).some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.offsetHeight) continue;
    const [a, b] = [luminance(read(getComputedStyle(element).color)), luminance(ground(element))];
    ratios.push((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }
  return Math.min(...ratios);
})()"""


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(scheme: str, file: str, fresh: Browser, plain: Path) -> None:
    opened(fresh, plain, file)
    fresh.media(scheme=scheme)
    assert fresh.run(CONTRAST) >= 4.5


@pytest.mark.parametrize("folder", ["plain", "bad"])
@pytest.mark.parametrize("file", FILES)
def test_no_page_scrolls_sideways(file: str, folder: str, fresh: Browser, request: pytest.FixtureRequest) -> None:
    opened(fresh, request.getfixturevalue(folder), file)
    for width in (320, 768, 1280):
        fresh.size(width)
        assert fresh.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width


def test_without_scripts_all_is_shown(fresh: Browser, plain: Path) -> None:
    fresh.call("Emulation.setScriptExecutionDisabled", value=True)
    fresh.open(address(plain))
    document = fresh.call("DOM.getDocument")["root"]["nodeId"]
    sections = fresh.call("DOM.querySelectorAll", nodeId=document, selector="section.claim:not([hidden])")["nodeIds"]
    assert len(sections) == len(CLAIMS) + 1
    hidden = fresh.call("DOM.querySelectorAll", nodeId=document, selector="#filter[hidden], .switch[hidden]")
    assert len(hidden["nodeIds"]) == 2
    quiet(fresh, plain)


def test_it_prints_on_white_without_controls(fresh: Browser, plain: Path) -> None:
    opened(fresh, plain)
    fresh.media(scheme="dark", kind="print")
    assert fresh.run(GROUND) == LIGHT
    for control in ("nav", "#filter", ".switch"):
        assert fresh.run(f"getComputedStyle(document.querySelector('{control}')).display") == "none"
    assert fresh.run("getComputedStyle(document.querySelector('table.verdicts thead')).display") == "table-header-group"
    fresh.size(718)  # A4 less Chromium's margins
    assert fresh.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    content = fresh.call("Page.printToPDF", preferCSSPageSize=True)["data"]
    assert base64.b64decode(content).startswith(b"%PDF-")
    quiet(fresh, plain)


def test_a_page_under_a_hostile_name_is_named_in_its_title(fresh: Browser, bad: Path) -> None:
    opened(fresh, bad, "estimators.html")
    assert fresh.run("document.querySelector('h2').textContent") == HOSTILE
    assert fresh.run("document.title") == "Estimators that were checked - amss-min"
