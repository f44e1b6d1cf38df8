"""The command `python -m simulations query STORE`: cells, and mean curves of quantities."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from amss_min.testing.files import STDOUT, json_to
from amss_min.testing.loading import BadInput
from simulations.audit import UnknownName
from simulations.console import plain, say, show, written_to
from simulations.results import check_writable, write_text
from simulations.sweeps.reading import StoredCell
from simulations.sweeps.store import Store
from simulations.sweeps.tables import Row, cell_row, configuration, curve_rows, finite, selected, shown


def query_command(
    path: Path,
    where: Sequence[str] = (),
    quantities: Sequence[str] = (),
    quantiles: str = "",
    csv_file: Path | None = None,
    json_file: Path | None = None,
) -> int:
    """Print the cells of a store that meet the conditions, or the mean curves of quantities; write them to files.

    The table leaves out settings that are the same in every row; the files have them. In JSON a number that is not
    finite is null. Returns 0; raises StoreError, BadInput, UnknownName.
    """
    orders = quantile_orders(quantiles)
    with Store.open(path) as store, store.snapshot():
        cells = selected(store.cells(), where)
        known = store.quantities()
        for quantity in quantities:
            if quantity not in known:
                raise UnknownName("quantity", quantity, known) if known else BadInput(f"no quantity {quantity!r} yet")
        if quantities:
            rows = [row for name in quantities for cell in cells for row in curve_rows(store, cell, name, orders)]
        else:
            rows = [cell_row(cell) for cell in cells]
    with json_to(json_file) as write:
        _show(rows, cells)
        if known and not quantities:
            say(f"quantities: {', '.join(known)}")
        if csv_file is not None:
            with written_to(csv_file):
                check_writable(csv_file.parent)
                write_csv(csv_file, rows)
            say(f"written: {csv_file}")
        write([{name: finite(value) for name, value in row.items()} for row in rows])
        if json_file not in (None, STDOUT):
            say(f"written: {json_file}")
    return 0


def quantile_orders(text: str) -> tuple[float, ...]:
    """Orders of quantiles from text such as "0.05,0.5,0.95"; raises BadInput.

    >>> quantile_orders("0.1, 0.9")
    (0.1, 0.9)
    """
    try:
        orders = tuple(float(part) for part in text.split(",")) if text.strip() else ()
    except ValueError:
        orders = (-1.0,)
    if not all(0 <= order <= 1 for order in orders):
        raise BadInput(f"--quantiles must be numbers from 0 to 1 with commas between, found {text!r}")
    return orders


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Rows under a line of column names; floats in full, lists as JSON; raises OSError."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = columns(rows)
    writer.writerow(names)
    for row in rows:
        values = (row.get(name) for name in names)
        writer.writerow([repr(value) if isinstance(value, float) else shown(value) for value in values])
    write_text(path, text.getvalue())


def columns(rows: Sequence[Row]) -> list[str]:
    """The names of all rows, in the order of their first appearance."""
    return list(dict.fromkeys(name for row in rows for name in row))


def _show(rows: Sequence[Row], cells: Sequence[StoredCell]) -> None:
    settings = {name for cell in cells for name in configuration(cell)}
    names, same = [], []
    for name in columns(rows):
        values = [shown(row.get(name)) for row in rows]
        if name in settings and len(set(values)) == 1:
            same.append(f"{name} = {values[0]}")
        else:
            names.append(name)
    table = Table()
    for name in names:
        table.add_column(plain(name))
    for row in rows:
        table.add_row(*(plain(shown(row.get(name))) for name in names))
    show(table)
    say(f"cells: {len(cells)}" + (f", all with {', '.join(same)}" if same else ""))
