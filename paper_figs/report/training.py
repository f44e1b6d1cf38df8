"""The training run on the page: a table of test scores for every version of the run there is."""

from pathlib import Path

from paper_figs.figures.htad import REFERENCE, RUN
from paper_figs.reading import COPIES, Found, MissingData, versions
from paper_figs.records import Train
from paper_figs.report.markup import Html, join, table, tag


def section(results: Path, copies: Path = COPIES) -> Html:
    """Tables of the run in results and of the recorded one. Raises BadData for a file that cannot be used."""
    title = tag("h2", "Training on HTAD", id="training")
    try:
        found = versions(RUN, results, copies)
    except MissingData as error:
        return tag("section", title, tag("p", f"No run: {error}."))
    notes = found[0].value
    texts = (
        f"Data: {notes.data.rows} rows, {len(notes.data.classes)} classes; {REFERENCE}.",
        f"Intervals: {notes.summary.assumption}",
        f"Split: {notes.split.get('note', 'see the file')}.",
        f"Selection: {notes.selection}.",
        f"Scale: {notes.scale}.",
    )
    return tag("section", title, *map(_scores, found), *(tag("p", text, class_="note") for text in texts))


def _scores(found: Found[Train]) -> Html:
    train = found.value
    modalities = list(train.data.features)
    metrics = {
        "accuracy": "accuracy",
        "macro_f1": "macro-F1",
        **{f"accuracy_{name}": f"{name} alone" for name in modalities},
    }
    rows = []
    for method, values in train.summary.methods.items():
        difference = train.summary.difference_to_joint.get(method, {}).get("accuracy")
        cells = [str(values[metric]) if metric in values else "no run" for metric in metrics]
        told = train.methods.get(method, "")
        rows.append((join((method, tag("small", told))), *cells, str(difference) if difference else "reference"))
    where = f"recorded on {found.recorded.date}" if found.recorded else "this run"
    caption = (
        f"Test scores, {where}: mean over {train.seeds} paired seeds with {train.summary.confidence:.0%} t-intervals; "
        "differences are paired by seed"
    )
    return table(caption, ("method", *metrics.values(), "accuracy, less joint"), rows, "stack numbers")
