"""The store: what is acknowledged once is there once, whatever the order, and one process writes."""

import random
from pathlib import Path

import numpy as np
import pytest

from simulations.sweeps.locking import lock_path, writer
from simulations.sweeps.moments import Moments, merged
from simulations.sweeps.outcome import Outcome, task_id
from simulations.sweeps.reading import Counts
from simulations.sweeps.sketch import Sketch
from simulations.sweeps.store import Store
from simulations.sweeps.store_error import StoreError
from tests.simulations.sweeps.samples import CONFIGURATION, block, blocks, done, failed, values


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "sample.sqlite"


def filled(path: Path, count: int = 5, keep: float = 0.25) -> None:
    asked = blocks(count, keep)
    with Store.open(path, write=True) as store:
        store.register("sample", CONFIGURATION, asked)
        store.add([done(b) for b in asked])


def test_ids_are_of_content_alone() -> None:
    base = task_id("sleep", {"a": 1, "b": {"c": [1.5]}}, 3)
    assert base == task_id("sleep", {"b": {"c": [1.5]}, "a": 1}, 3)
    others = [task_id("train", {"a": 1, "b": {"c": [1.5]}}, 3), task_id("sleep", {"a": 1, "b": {"c": [1.5]}}, 4)]
    others += [task_id("sleep", {"a": 1.0, "b": {"c": [1.5]}}, 3), task_id("sleep", {"a": 1, "b": {"c": 1.5}}, 3)]
    assert len({base, *others}) == 5


def test_what_is_added_is_read_back(path: Path) -> None:
    filled(path)
    with Store.open(path) as store:
        (cell,) = store.cells()
        assert dict(cell.cell) == dict(block(0).cell)
        assert store.cell("sleep", block(0).cell) == cell
        assert cell.counts == store.counts() == Counts(waiting=0, done=5, failed=0, seconds=2.5)
        assert store.finished() == {b.id for b in blocks(5)}
        assert (store.quantities(), store.quantities("sketch"), store.quantities("curve")) == (
            ("energy",),
            ("energy",),
            ("checkpoints", "room"),
        )
        found, parts = store.mean_curve(cell, "energy"), [values(n) for n in range(5)]
        expected = merged([Moments.of(part) for part in parts])
        assert found is not None
        assert (found.mean.tobytes(), found.M2.tobytes()) == (expected.mean.tobytes(), expected.M2.tobytes())
        sketch = store.sketch(cell, "energy")
        assert sketch is not None
        assert sketch.key.tolist() == Sketch.of(np.concatenate(parts)).key.tolist()
        assert store.checkpoints(cell, 3).tolist() == [1, 10, 100]
        assert sorted(store.curves(cell, "checkpoints")) == list(range(5))
        assert store.mean_curve(cell, "engery") is None
        assert store.sketch(cell, "engery") is None
        first = next(iter(store.blocks()))
        assert (first.id, first.status, first.summary) == (block(0).id, "done", {"replicates": 4, "worst": None})
        assert first.versions == {"numpy": "2"}
        with pytest.raises(StoreError, match="no cell"):
            store.cell("sleep", {"keep": 1})


def test_the_order_of_arrival_changes_no_bit(tmp_path: Path) -> None:
    answers = set()
    for order in range(4):
        asked = blocks(9)
        arrived = random.Random(order).sample(asked, len(asked))
        path = tmp_path / f"{order}.sqlite"
        with Store.open(path, write=True) as store:
            store.register("sample", CONFIGURATION, asked)
            for b in arrived:
                store.add([done(b)])
            (cell,) = store.cells()
            moments, sketch = store.mean_curve(cell, "energy"), store.sketch(cell, "energy")
            assert moments is not None
            assert sketch is not None
            answers.add((moments.mean.tobytes(), moments.M2.tobytes(), sketch.key.tobytes(), sketch.count.tobytes()))
    assert len(answers) == 1


def test_adding_and_registering_twice_changes_nothing(path: Path) -> None:
    filled(path)
    with Store.open(path, write=True) as store:
        before = list(store.connection.iterdump())
        store.register("sample", CONFIGURATION, blocks(5))
        other = done(block(1))
        assert store.add([Outcome(id=other.id, status="done", seconds=9.0), failed(block(2))]) == 0
        assert list(store.connection.iterdump()) == before


def test_a_failure_is_replaced_when_the_block_is_tried_again(path: Path) -> None:
    with Store.open(path, write=True) as store:
        store.register("sample", CONFIGURATION, blocks(2))
        assert store.add([failed(block(0), "first"), done(block(1))]) == 2
        assert (store.failed(), store.finished()) == ({block(0).id}, {block(1).id})
        assert store.add([failed(block(0), "second")]) == 1
        assert [b.error for b in store.blocks(failed_only=True)] == ["second"]
        assert store.add([done(block(0))]) == 1
        assert (store.failed(), store.finished()) == (set(), {block(0).id, block(1).id})
        (cell,) = store.cells()
        found = store.mean_curve(cell, "energy")
        assert found is not None
        assert found.n.tolist() == [8, 8, 8]


def test_an_outcome_that_cannot_be_stored_has_failed_and_the_others_have_not(path: Path) -> None:
    odd = Outcome(id=block(0).id, status="done", curves={"x": np.zeros(2, dtype=complex)})
    with Store.open(path, write=True) as store:
        store.register("sample", CONFIGURATION, blocks(2))
        assert store.add([odd, done(block(1))]) == 2
        (found,) = store.blocks(failed_only=True)
        assert found.id == block(0).id
        assert "must be one of <f8" in found.error
        assert store.finished() == {block(1).id}


def test_an_unknown_block_leaves_its_whole_batch_out(path: Path) -> None:
    with Store.open(path, write=True) as store:
        store.register("sample", CONFIGURATION, blocks(1))
        with pytest.raises(StoreError, match="registered block, found"):
            store.add([done(block(0)), done(block(7))])
        assert store.counts().done == 0
        assert store.add([done(block(0))]) == 1


def test_blocks_no_longer_asked_for_are_forgotten_unless_they_ended(path: Path) -> None:
    with Store.open(path, write=True) as store:
        store.register("sample", CONFIGURATION, blocks(4))
        store.register("other", CONFIGURATION, blocks(2, keep=0.5))
        store.add([done(block(3)), failed(block(2))])
        store.register("sample", {"name": "sample", "replicates": 8}, blocks(1))
        assert store.studies() == (
            ("other", Counts(waiting=2, done=0, failed=0, seconds=0.0)),
            ("sample", Counts(waiting=1, done=1, failed=1, seconds=0.6)),
        )
        assert [cell.counts.blocks for cell in store.cells()] == [3, 2]


def test_two_blocks_with_one_number_are_refused(path: Path) -> None:
    first, second = block(0), block(1)
    twin = type(first)(id=second.id, kind=first.kind, cell=first.cell, number=0)
    with Store.open(path, write=True) as store:
        with pytest.raises(StoreError, match="different numbers, found block 0"):
            store.register("sample", CONFIGURATION, [first, twin])
        assert store.counts().blocks == 0


def test_one_writer_and_any_number_of_readers(path: Path) -> None:
    filled(path, 1)
    assert writer(path) == ""
    with Store.open(path, write=True) as store:
        assert writer(path).startswith("process ")
        with pytest.raises(StoreError, match=r"one writer at a time, found process \d+ on .* writing to"):
            Store.open(path, write=True)
        with Store.open(path) as one, Store.open(path) as two:
            store.register("sample", CONFIGURATION, blocks(3))
            with one.snapshot():
                assert one.counts().done == 1
                store.add([done(block(1)), done(block(2))])
                assert (one.counts().done, two.counts().done) == (1, 3)
            assert one.counts().done == 3
            with pytest.raises(StoreError, match="opened for reading"):
                one.add([done(block(1))])
    assert lock_path(path).read_text() == ""
    with Store.open(path, write=True):
        pass


def test_what_is_acknowledged_is_on_the_disk(path: Path) -> None:
    with Store.open(path, write=True) as store:
        found = [store.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
        assert found == ["wal", 2]  # 2 is FULL: every commit waits for the disk
        assert not store.connection.in_transaction
        store.register("sample", CONFIGURATION, blocks(1))
        store.add([done(block(0))])
        assert not store.connection.in_transaction


def test_a_store_that_is_not_there_is_named_with_those_that_are(path: Path) -> None:
    filled(path, 1)
    with pytest.raises(StoreError, match=r"no store .*/smaple.sqlite; there is sample.sqlite"):
        Store.open(path.with_name("smaple.sqlite"))
    with pytest.raises(StoreError, match=r"no store .*/x/y.sqlite$"):
        Store.open(path.parent / "x" / "y.sqlite")


def test_names_from_outside_are_values_not_statements(path: Path) -> None:
    name = "x'; DROP TABLE block; --"
    with Store.open(path, write=True) as store:
        store.register(name, CONFIGURATION, blocks(1))
        store.add([Outcome(id=block(0).id, status="done", moments={name: Moments.of([1.0])})])
        (cell,) = store.cells()
        found = store.mean_curve(cell, name)
        assert found is not None
        assert found.mean.tolist() == [1.0]
        assert (store.studies()[0][0], store.quantities()) == (name, (name,))
