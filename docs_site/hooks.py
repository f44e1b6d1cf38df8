"""What MkDocs calls while it builds: the reference and the README join the pages, formulas become MathML."""

import html
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs_site.reference import nav, page, public_modules
from paper_figs.report.mathematics import converted

ROOT = Path(__file__).resolve().parent.parent
README = "readme.md"
_LINK = re.compile(r"(?<!!)\[([^\[\]]+)\]\(([^()\s]+)\)")
_FORMULA = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill in the section of the reference, in place of the word that mkdocs.yml has there."""
    for entry in config.nav or []:
        if isinstance(entry, dict) and entry.get("Reference") == "generated":
            entry["Reference"] = nav(public_modules(ROOT))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for every public module, and the README."""
    modules = public_modules(ROOT)
    for module in modules:
        files.append(File.generated(config, module.page, content=page(module, modules)))
    files.append(File.generated(config, README, content=(ROOT / "README.md").read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links between the repository's files lead where the site has them.

    A link to a file that is no page (an example, say) becomes the file's path: the site does not hold it.
    """
    path = page.file.src_uri
    if path.startswith("reference/"):
        return markdown
    folder = ROOT if path == README else (Path(config.docs_dir) / path).parent

    def led(link: re.Match[str]) -> str:
        text, (target, _, anchor) = link[1], link[2].partition("#")
        goal = (folder / target).resolve()
        if "://" in target or not target or not goal.exists():
            return link[0]
        if goal == ROOT / "README.md":
            found = README
        elif goal.is_relative_to(config.docs_dir):
            found = goal.relative_to(config.docs_dir).as_posix()
        else:
            told = goal.relative_to(ROOT).as_posix()
            return text if told in text else f"{text} (`{told}`)"
        up = "../" * path.count("/")
        return f"[{text}]({up}{found}{'#' + anchor if anchor else ''})"

    return _LINK.sub(led, markdown)


def on_page_content(content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Formulas between dollar signs as MathML, which needs neither script nor font.

    Raises ValueError for a formula that the converter does not know.
    """

    def mathml(found: re.Match[str]) -> str:
        latex = html.unescape(found[1])
        formula = converted(latex)
        if formula is None:
            raise ValueError(
                f"a formula must convert to MathML, found {latex!r} in {page.file.src_uri}, which does not"
            )
        return str(formula)

    if len(page.toc.items) < 2 and not any(item.children for item in page.toc.items):
        page.meta.setdefault("hide", ["toc"])
    return _FORMULA.sub(mathml, content)
