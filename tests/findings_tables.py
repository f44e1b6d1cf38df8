"""The numbers of docs/findings.md from the records in paper_figs/data; `python -m tests.findings_tables` writes them.

Everything between the markers of the page is made here, from compare/*.json, train/*.json and diagnosed/train/*.json,
so that a data set that is measured again cannot leave old numbers behind.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "findings.md"
COPIES = ROOT / "paper_figs" / "data"
BEGIN = "<!-- data: begin (python -m tests.findings_tables) -->"
END = "<!-- data: end -->"

FAMILY = ("amss", "amss+", "amss+rebalanced")

Record = Mapping[str, Any]


def records(folder: str, copies: Path = COPIES) -> list[Record]:
    """The records in a folder, by name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((copies / folder).glob("*.json"))]


def generated(copies: Path = COPIES) -> str:
    """What stands between the markers."""
    comparisons = records("compare", copies)
    parts = [gains(comparisons), *map(compared, comparisons)]
    parts += [trained(record) for record in records("train", copies)]
    parts += [diagnosed(record) for record in records("diagnosed/train", copies)]
    return "\n\n".join(parts)


def gains(comparisons: list[Record]) -> str:
    """On which data sets the interval of a method of this family lies above 0, below, or holds it."""
    told = []
    for method in FAMILY:
        found = {
            record["data"]["name"]: record["paired"]["differences"][method]
            for record in comparisons
            if method in record["paired"]["differences"]
        }
        sides = {
            "a gain was seen on": [name for name, item in found.items() if item["low"] > 0],
            "a loss on": [name for name, item in found.items() if item["high"] < 0],
            "neither on": [name for name, item in found.items() if item["low"] <= 0 <= item["high"]],
        }
        told.append(f"- {method}: " + "; ".join(f"{side} {listed(names)}" for side, names in sides.items() if names))
    return "Against joint training, with intervals as in the tables:\n\n" + "\n".join(told)


def compared(record: Record) -> str:
    """One comparison: what was measured on which data, every method, and the verdict on a gain of .01."""
    name, primary = record["data"]["name"], record["summary"]["primary"]
    paired, claim, alone = record["paired"], record["claim"], list(record["data"]["features"])
    shares = " / ".join(f"{record['split']['percent'][part]:g}" for part in ("train", "validation", "test"))
    edges = [method for method, found in record["tuning"].items() if found["edge"]]
    told = [
        f"### Comparison on {name}",
        f"{data(record)}; split {shares} for training, validation and test: {record['split']['note']}. "
        f"{len(paired['seeds'])} paired seeds, step sizes {listed(record['settings']['compare']['lrs'])} tuned on "
        f"other seeds; intervals of {100 * paired['confidence']:g} % that hold for all {paired['comparisons']} "
        "comparisons at once; of each modality alone, by its own part of the model, t-intervals by themselves.",
        table(
            ["method", f"{primary} on test", "less joint", "finding", *(f"{name} alone" for name in alone)],
            [
                [
                    method,
                    score(summary[primary]),
                    *difference(paired["differences"].get(method)),
                    *(interval(summary.get(f"alone_{name}"), sign="") for name in alone),
                ]
                for method, summary in record["summary"]["methods"].items()
            ],
        ),
    ]
    end = f"Does AMSS, AMSS+ or rebalanced AMSS+ gain at least .01? `{claim['id']}`: {claim['status']}. "
    if edges:
        end += f"The least or largest step size tried was best for {listed(edges)}: a wider grid may move these. "
    logistic = record.get("logistic")
    if logistic:
        end += (
            f"Logistic regression on all features: {logistic['accuracy']['mean']:.3f}; joint less that is "
            f"{logistic['difference']:+.4f}, with a one-sided lower bound of {logistic['lower_bound']:+.4f}."
        )
    return "\n\n".join([*told, end.strip()])


def trained(record: Record) -> str:
    """One training run without tuning: differences to joint training."""
    primary, differences = record["summary"]["primary"], record["summary"]["difference_to_joint"]
    rows = [
        [method, score(summary[primary]), interval(differences.get(method, {}).get(primary))]
        for method, summary in record["summary"]["methods"].items()
    ]
    return "\n\n".join(
        [
            f"### A run on {record['data']['name']} with one step size for all",
            f"{data(record)}. {record['settings']['seeds']} paired seeds, step size "
            f"{record['settings']['training']['lr']:g}, no tuning; t-intervals of "
            f"{100 * record['summary']['confidence']:g} %, each by itself. {sentence(record['scale'])}",
            table(["method", f"{primary} on test", "less joint"], rows),
        ]
    )


def diagnosed(record: Record) -> str:
    """The parts of the mean masked gradient of AMSS during one run."""
    runs = [run for run in record["runs"] if run["method"] == "amss"]
    rows = []
    for epoch, found in runs[0]["diagnosis"].items() if runs else ():
        network = found["network"]
        parts = network["decomposition"]
        ratio = network["floor"]["mean_field"]["value"] / network["gradient_squared"]
        rows.append([epoch, *(f"{parts[key]:.4f}" for key in ("gradient", "kept", "bias")), f"{ratio:.3f}"])
    return "\n\n".join(
        [
            f"### The bias of AMSS inside a network on {record['data']['name']}",
            "The parts of `amss-decomposition`, from sampled minibatches of one run, so this is a look and no test: "
            "norm of the gradient, of what the mask keeps of it on average, of the covariance c, and the squared norm "
            "of the gradient at which the mean field would vanish, over the present one.",
            table(["epoch", "gradient", "D gradient", "c", "floor / present"], rows),
        ]
    )


def data(record: Record) -> str:
    """Rows, modalities and targets in words."""
    found = record["data"]
    shapes = listed([f"{name} {'x'.join(map(str, shape))}" for name, shape in found["features"].items()])
    return f"{found['rows']} rows ({found['note']}), modalities {shapes}, {len(found['targets'])} targets"


def difference(found: Record | None) -> list[str]:
    """The paired difference with its interval, and the finding as recorded."""
    return [interval(found), found["finding"] if found else ""]


def interval(found: Record | None, sign: str = "+") -> str:
    """Mean and interval, to three places; sign as in a format."""
    if not found:
        return ""
    mean, low, high = (f"{found[key]:{sign}.3f}" for key in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def score(found: Record) -> str:
    """A mean to three places."""
    return f"{found['mean']:.3f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell or '-' for cell in cells)} |" for cells in lines)


def listed(items: list[Any]) -> str:
    """Items in a row, with "and" before the last."""
    texts = [str(item) for item in items]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def sentence(text: str) -> str:
    """A recorded remark as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."


def renewed(page: str, copies: Path = COPIES) -> str:
    """The page with the part between the markers made anew; raises ValueError without the markers."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page must hold {BEGIN} and {END}, found not both")
    return f"{head}{BEGIN}\n{generated(copies)}\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
