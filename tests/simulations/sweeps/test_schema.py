"""Files that are no stores, stores of other versions, and damage: one line each, and nothing touched."""

import sqlite3
from pathlib import Path
from types import MappingProxyType

import pytest

from simulations.sweeps import schema
from simulations.sweeps.locking import writer
from simulations.sweeps.store import Store
from simulations.sweeps.store_error import StoreError
from tests.simulations.sweeps.samples import CONFIGURATION, blocks, done


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "sample.sqlite"
    with Store.open(path, write=True) as store:
        store.register("sample", CONFIGURATION, blocks(40))
        store.add([done(b, size=200) for b in blocks(40)])
    return path


def refused(path: Path, match: str, *, write: tuple[bool, ...] = (False, True)) -> None:
    before = path.read_bytes()
    for mode in write:
        with pytest.raises(StoreError, match=match) as caught:
            Store.open(path, write=mode)
        assert "\n" not in str(caught.value)
        assert path.read_bytes() == before
        assert writer(path) == ""


def change(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_store_from_the_future_is_refused(path: Path) -> None:
    change(path, f"PRAGMA user_version = {schema.VERSION + 1}")
    refused(path, f"version {schema.VERSION} or older, found {schema.VERSION + 1}: a newer release")


def test_a_version_without_a_way_is_refused(path: Path) -> None:
    change(path, "PRAGMA user_version = 0")
    refused(path, "found 0, which this release lost")


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text("horizon = 3\n" * 100)
    refused(path, "must be an SQLite database, found another kind of file")


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    change(path, "CREATE TABLE mine (x)")
    refused(path, "must be one of this program, found a database of another")


def test_an_empty_file_is_no_store_to_read_and_a_new_one_to_write(tmp_path: Path) -> None:
    path = tmp_path / "empty.sqlite"
    path.touch()
    refused(path, "is empty", write=(False,))
    with Store.open(path, write=True) as store:
        assert store.counts().blocks == 0


def test_damaged_pages_are_found_on_opening(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for page in range(4096, len(data), 4096):
        data[page : page + 16] = b"\xff" * 16
    path.write_bytes(data)
    refused(path, "is damaged")


def test_a_truncated_store_is_found_on_opening(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    refused(path, "is damaged")


def test_a_number_that_changed_on_the_disk_is_found_when_it_is_read(path: Path) -> None:
    change(path, "UPDATE array SET data = zeroblob(length(data)) WHERE number = 7")
    with Store.open(path) as store:
        (cell,) = store.cells()
        for ask in (store.mean_curve, store.sketch, store.curves):
            name = "room" if ask == store.curves else "energy"
            with pytest.raises(StoreError, match=f"is damaged: '{name}' of cell 1: the bytes"):
                ask(cell, name)


def test_a_large_store_is_read_without_a_check_of_every_page(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "READ_AT_MOST", 0)
    with Store.open(path) as store:
        assert store.counts().done == 40
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    path.write_bytes(data)
    with Store.open(path) as store, pytest.raises(StoreError, match="is damaged"):
        (cell,) = store.cells()
        store.mean_curve(cell, "energy")
    refused(path, "is damaged", write=(True,))


def newer(monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    """A release whose stores have one column more."""
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    steps = {schema.VERSION - 1: lambda connection: connection.execute(statement)}
    monkeypatch.setattr(schema, "MIGRATIONS", MappingProxyType(steps))


def test_an_older_store_is_brought_up_to_date_when_it_is_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer(monkeypatch, "ALTER TABLE outcome ADD COLUMN energy REAL")
    refused(path, "is brought up to date when a sweep next opens it", write=(False,))
    with Store.open(path, write=True) as store:
        assert store.connection.execute("SELECT count(*), count(energy) FROM outcome").fetchone() == (40, 0)
        assert len(store.finished()) == 40
    with Store.open(path) as store:
        assert store.connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)


def test_a_step_that_fails_leaves_the_older_store(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        newer(patch, "")

        def half(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM array")
            connection.execute("ALTER TABLE missing ADD COLUMN x")

        patch.setattr(schema, "MIGRATIONS", {schema.VERSION - 1: half})
        refused(path, "no such table: missing", write=(True,))
    with Store.open(path) as store:
        (cell,) = store.cells()
        found = store.mean_curve(cell, "energy")
        assert found is not None
        assert found.n.tolist() == [160, 160, 160]
