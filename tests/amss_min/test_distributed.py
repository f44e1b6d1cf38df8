"""Several ranks: equal masks and parameters with DistributedDataParallel, shards with fully_shard, one observation."""

from pathlib import Path
from typing import Any

import pytest
import torch

from amss_min import AMSS, AMSSPlus, MutualInformationRate
from amss_min.distributed import Ranks
from amss_min.testing import Status
from tests.amss_min import ranked_jobs
from tests.amss_min.nets import Net, batch
from tests.amss_min.ranks import on_ranks

Case = tuple[type[AMSS], str, dict[str, Any]]
CASES: list[Case] = [
    (AMSS, "fixed", {}),
    (AMSSPlus, "fixed", {}),
    (AMSS, "rate", {}),
    (AMSSPlus, "rate", {}),
    (AMSSPlus, "smoothed", {}),
    (AMSSPlus, "rate", {"masks": "update"}),
]
APART: Case = (AMSSPlus, "fixed", {"process_group": False})


@pytest.mark.slow
@pytest.mark.parametrize("world", [2, 3])
def test_all_ranks_hold_equal_parameters_after_50_masked_steps(world: int, tmp_path: Path) -> None:
    equal_ranks(world, tmp_path, [*CASES, APART], 50)


@pytest.mark.slow
def test_two_ranks_hold_equal_parameters(tmp_path: Path) -> None:
    equal_ranks(2, tmp_path, [(AMSSPlus, "rate", {}), APART], 5)


def equal_ranks(world: int, folder: Path, cases: list[Case], steps: int) -> None:
    """Equal in all cases but the last one, in which every rank draws by itself: there the same test must fail."""
    found = list(zip(*on_ranks(world, ranked_jobs.trained, folder, cases, steps), strict=True))
    for (_, keep, _), (first, *others) in zip(cases[:-1], found[:-1], strict=True):
        assert first["dropped"] > 0
        for other in others:
            assert other["seed"] != first["seed"]
            assert all(torch.equal(a, b) for a, b in zip(first["parameters"], other["parameters"], strict=True))
            assert other["fractions"] == first["fractions"]
            assert torch.equal(other["generator"], first["generator"])
        if keep != "fixed":
            assert len(set(map(tuple, first["fractions"]))) > 1
            for observed in (rank["observed"] for rank in (first, *others)):
                assert float(observed["samples"]) == 2 * 16 * world  # both micro-batches of all ranks
                assert all(torch.equal(observed[name], value) for name, value in first["observed"].items())
    assert not torch.equal(*(rank["parameters"][0] for rank in found[-1][:2]))


def test_the_fractions_of_ranks_are_those_of_all_their_data() -> None:
    """Pooling as ranks do it, row after row, against one observation of everything; two ranks without processes."""
    net, rate = Net(), MutualInformationRate()
    seen = []
    for rank in range(3):
        x, y = batch(rank)
        features = net.features(x)
        logits = [net.head(torch.randn(16, 10, dtype=torch.float64)) for _ in features]
        seen.append((logits, list(features.values()), y))
    parts = [rate.observation(*one) for one in seen]
    whole = rate.observation(
        [torch.cat(z) for z in zip(*(one[0] for one in seen), strict=True)],
        [torch.cat(z) for z in zip(*(one[1] for one in seen), strict=True)],
        torch.cat([one[2] for one in seen]),
    )
    pooled = parts[0] + parts[1] + parts[2]
    torch.testing.assert_close(rate.fractions(pooled), rate.fractions(whole), rtol=1e-12, atol=0)


def test_without_a_process_group_nothing_is_asked() -> None:
    ranks = Ranks(None)
    assert not ranks.several
    assert not Ranks(False).several
    generator = torch.Generator().manual_seed(1)
    ranks.agree(generator, torch.device("cpu"))
    assert torch.equal(generator.get_state(), torch.Generator().manual_seed(1).get_state())
    with pytest.raises(TypeError, match="process_group must be a ProcessGroup, None or False, found str"):
        AMSSPlus(Net().modalities(), keep=0.5, process_group="world")


@pytest.mark.slow
@pytest.mark.parametrize("world", [2, 3])  # three: some ranks hold nothing of a tensor with two rows
def test_sharded_gradients_are_masked_as_whole_ones(world: int, tmp_path: Path) -> None:
    for differences in on_ranks(world, ranked_jobs.sharded_and_whole, tmp_path, [AMSS, AMSSPlus]):
        # Energies of shards are summed in another order, gradients are averages of equal ones: a few roundings a step.
        # One unit drawn otherwise would move a weight by more than 1e-3.
        assert max(differences) < 1e-10


@pytest.mark.slow
def test_what_shards_cannot_do_is_refused_with_the_reason(tmp_path: Path) -> None:
    for said in on_ranks(2, ranked_jobs.refusals_of_shards, tmp_path):
        late, update = said
        assert late.startswith("the optimizer must hold a masked parameter, found none")
        assert update == (
            "masks='update' needs whole parameters, found 'a: 0.weight' as a DTensor with placements (Shard(dim=0),): "
            "only gradients are masked in shards"
        )


@pytest.mark.slow
def test_a_loop_on_two_ranks_is_unbiased(tmp_path: Path) -> None:
    first, second = on_ranks(2, ranked_jobs.unbiased, tmp_path, False)
    assert first.status is Status.CONSISTENT, first.text
    assert (second.status, second.draws, second.log_e) == (first.status, first.draws, first.log_e)


@pytest.mark.slow
def test_weights_five_per_cent_too_large_are_refuted_on_two_ranks(tmp_path: Path) -> None:
    first, second = on_ranks(2, ranked_jobs.unbiased, tmp_path, True)
    assert first.status is Status.REFUTED
    assert not first.violations
    assert second.status is Status.REFUTED
