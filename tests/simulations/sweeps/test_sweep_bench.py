"""The measurement of the machinery: what it holds, on blocks that take no time to speak of."""

import pytest

from simulations.sweeps.bench import bench, table


@pytest.mark.slow
def test_the_record_says_what_was_measured() -> None:
    record = bench(repeats=1, blocks=2, seconds=0.05)
    assert set(record["overhead"]) == set(record["stored_bytes"]) == {"sleep", "simulate"}
    for values in record["overhead"].values():
        assert values["runs"] == [values["median"]]
        assert values["median"] > 0, "a driver cannot take less time than its only worker"
    assert record["per_block"] > 0
    two = record["two_workers"]
    assert two["efficiency"] == two["loops_seconds"][0] / two["driver_seconds"][0]
    assert two["fastest"] == two["efficiency"]  # of a single pair
    assert table(record).row_count == 7
