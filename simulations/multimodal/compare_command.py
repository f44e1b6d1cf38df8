"""The command `python -m simulations compare CONFIG`: methods against a baseline, on paired seeds."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.table import Table

from amss_min.testing.loading import BadInput
from simulations.console import out, plain
from simulations.console import show as show_table
from simulations.multimodal.claims import verdict
from simulations.multimodal.command import Request, carried_out, prepared, ready, refused, scores_table
from simulations.multimodal.comparison import compare
from simulations.multimodal.execution import Outcome, Place
from simulations.multimodal.settings import Settings


def compare_command(request: Request) -> int:
    """Tune every method equally on validation, train on paired seeds, compare; write results/compare/<name>.json.

    Returns the exit code: 0; 1 when a compared run met a number that is not finite or a worker died; 2 for bad input;
    130 after Ctrl-C. `--resume` keeps the runs that ended.
    """
    try:
        dataset, settings = prepared(request, lambda settings: _compared(settings, request.seeds))
        target = request.results / "compare" / f"{settings.name}.json"
        ready(target.parent, request)
    except BadInput as error:
        return refused(str(error))
    except OSError as error:
        return refused(f"cannot write to {request.results}/: {error.strerror or error}")
    place = Place(target.with_suffix(""), resume=request.resume, tensorboard=request.tensorboard)
    began = time.monotonic()

    def work(stage: Callable[[str, int], None], done: Callable[[Outcome], None]) -> dict[str, Any]:
        values = compare(dataset, settings, done, place, stage)
        found = verdict(values)
        claim = None if found is None else found.as_json()
        return {**values, "claim": claim, "seconds": round(time.monotonic() - began, 1)}

    return carried_out(work, target, show)


def _compared(settings: Settings, seeds: int | None) -> Settings:
    chosen = settings.compared if seeds is None else settings.compared.model_copy(update={"seeds": seeds})
    if chosen.compare.baseline not in chosen.methods:
        raise BadInput(
            f"the baseline {chosen.compare.baseline!r} must be among the methods, found {', '.join(chosen.methods)}"
        )
    return chosen


def show(values: dict[str, Any], target: Path) -> None:
    """Scores, differences with simultaneous intervals, and tuning."""
    console = out()
    show_table(scores_table(values["data"]["name"], values["summary"], list(values["data"]["features"])))
    show_table(_differences(values))
    if values["claim"] is not None:
        console.print(f"{values['claim']['id']}: {values['claim']['status']}", style="bold", highlight=False)
        console.print(values["claim"]["statement"], markup=False, highlight=False, soft_wrap=True)
    notes = [f"intervals: {values['paired']['guarantee']}", f"split: {values['split']['note']}."]
    edges = [name for name, item in values["tuning"].items() if item["edge"]]
    if edges:
        notes.append(f"tuning: the chosen stepsize is the least or largest tried for {', '.join(edges)}")
    if values["paired"]["left_out"]:
        notes.append(f"left out, since a run diverged: seeds {values['paired']['left_out']}")
    if "logistic" in values and values["logistic"]["difference"] is not None:
        found = values["logistic"]
        bound = "none (one seed)" if found["lower_bound"] is None else f"{found['lower_bound']:.4f}"
        notes.append(
            f"logistic regression on all features: accuracy {found['accuracy']['mean']:.3f}; "
            f"{values['paired']['baseline']} less it {found['difference']:+.4f}, 95% lower bound {bound}"
        )
    for line in (*notes, f"written: {target} after {values['seconds']} s"):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _differences(values: dict[str, Any]) -> Table:
    paired, primary = values["paired"], values["summary"]["primary"]
    table = Table(
        title=f"{primary} less that of {paired['baseline']}: {100 * paired['confidence']:g}% intervals that hold for "
        f"all {paired['comparisons']} comparisons at once, {len(paired['seeds'])} paired seeds"
    )
    for title in ("method", "lr", "difference", "interval", "finding"):
        table.add_column(title)
    for method, item in paired["differences"].items():
        low, high = ("-" if end is None else f"{end:+.4f}" for end in (item["low"], item["high"]))
        lr = f"{values['tuning'][method]['lr']:g}"
        table.add_row(plain(method), lr, f"{item['mean']:+.4f}", f"[{low}, {high}]", item["finding"])
    return table
