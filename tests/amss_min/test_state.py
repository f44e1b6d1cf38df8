"""What a checkpoint holds: resumed runs equal uninterrupted ones, and states of others are refused."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from amss_min import AMSS, AMSSPlus, Schedule
from tests.amss_min import interrupted_run
from tests.amss_min.nets import Net, batch
from tests.amss_min.stepping import OPTIMIZERS, generator, same, tensors
from theory.claims import CLAIMS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "masks.md").read_text(encoding="utf-8")


def test_a_run_that_was_killed_and_resumed_equals_the_uninterrupted_one_bit_for_bit(tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.pt"
    command = [sys.executable, "-m", "tests.amss_min.interrupted_run", str(checkpoint)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}

    def killed_at(step: int) -> int:
        """Run until this step is reported, kill, and return the step of the checkpoint that is left."""
        with subprocess.Popen([*command, "1000000"], stdout=subprocess.PIPE, text=True, env=environment) as child:
            assert child.stdout is not None
            for line in child.stdout:
                if int(line) >= step:
                    child.send_signal(signal.SIGKILL)
                    break
        assert child.returncode == -signal.SIGKILL
        left: int = torch.load(checkpoint, weights_only=True)["step"]
        assert left >= step
        return left

    first = killed_at(5)
    second = killed_at(first + 6)  # resumed from the kill, and killed again
    step, runs = interrupted_run.resumed(checkpoint)
    assert step == second
    interrupted_run.train(runs, step, step + 5)
    _, others = interrupted_run.resumed(tmp_path / "none.pt")
    interrupted_run.train(others, 0, step + 5)
    mine, wanted = (tensors(interrupted_run.state(step + 5, each)) for each in (runs, others))
    assert len(mine) == len(wanted) and all(same(a, b) for a, b in zip(mine, wanted, strict=True))


@pytest.mark.parametrize("name", ["SGD", "AdamW", "AdamW fused"])
@pytest.mark.parametrize("masks", ["gradient", "update", "freeze"])
def test_a_mask_is_reused_across_a_checkpoint(masks: str, name: str, tmp_path: Path) -> None:
    def made() -> tuple[Net, torch.optim.Optimizer, AMSS]:
        torch.manual_seed(0)
        net = Net()
        schedule = Schedule(every=4, start=1, end=9)
        amss = AMSS(net.modalities(), keep=0.4, masks=masks, schedule=schedule, generator=generator())
        optimizer = OPTIMIZERS[name](net.parameters())
        amss.attach(optimizer)
        return net, optimizer, amss

    def steps(run: tuple[Net, torch.optim.Optimizer, AMSS], first: int, last: int) -> None:
        net, optimizer, _ = run
        for step in range(first, last):
            x, y = batch(step)
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()

    whole = made()
    steps(whole, 0, 12)
    for stop in (3, 5, 8, 10):  # inside a reuse, before a draw, before its last step, after the end
        first, second = made(), made()
        steps(first, 0, stop)
        torch.save([part.state_dict() for part in first], tmp_path / "state.pt")
        states = torch.load(tmp_path / "state.pt", weights_only=True)
        net, optimizer, amss = second
        net.load_state_dict(states[0])
        optimizer.load_state_dict(states[1])
        amss.load_state_dict(states[2])
        if stop == 3:
            steps(second, stop, stop + 1)
            assert second[2].report.keep == {"audio": 0.4, "video": 0.4} and second[2].report.tensors == []
            steps(second, stop + 1, 12)
        else:
            steps(second, stop, 12)
        assert all(same(a, b) for a, b in zip(whole[0].parameters(), second[0].parameters(), strict=True))


def test_every_position_has_its_own_count() -> None:
    a, b = (nn.Parameter(torch.zeros(64, 1)) for _ in range(2))

    def made() -> tuple[AMSS, list[torch.optim.Optimizer]]:
        amss = AMSS({"a": a, "b": b}, keep=0.5, schedule=Schedule(start=2), generator=generator())
        optimizers: list[torch.optim.Optimizer] = [torch.optim.SGD([p], lr=1.0) for p in (a, b)]
        for optimizer in optimizers:
            amss.attach(optimizer)
        return amss, optimizers

    amss, optimizers = made()
    for p in (a, b):
        p.grad = torch.ones_like(p)
    for _ in range(2):
        optimizers[0].step()
    other, others = made()
    other.load_state_dict(amss.state_dict())
    before = a.detach().clone(), b.detach().clone()
    for optimizer in others:
        optimizer.step()
    assert [int((p != old).sum()) for p, old in zip((a, b), before, strict=True)] == [32, 64]


def test_a_state_from_before_there_were_schedules_is_taken() -> None:
    amss = AMSSPlus({"a": nn.Parameter(torch.zeros(4, 2))}, keep=0.5)
    state = amss.state_dict()
    for key in ("progress", "device"):
        del state[key]
    amss.load_state_dict(state)
    assert torch.equal(amss.state_dict()["generator"], state["generator"])


def test_a_state_is_not_changed_by_later_steps() -> None:
    p = nn.Parameter(torch.zeros(8, 2))
    amss = AMSS({"a": p}, keep=0.5, schedule=Schedule(every=2), generator=generator())
    p.grad = torch.ones_like(p)
    amss.mask_gradients()
    state = amss.state_dict()
    kept = [tensor.clone() for tensor in tensors(state)]
    for _ in range(2):
        p.grad = torch.ones_like(p)
        amss.mask_gradients()
    assert all(same(a, b) for a, b in zip(tensors(state), kept, strict=True))
    assert not any(tensor.is_inference() for tensor in tensors(state))


def test_states_of_others_are_refused() -> None:
    def made(n: int) -> AMSS:
        p = nn.Parameter(torch.zeros(n, 2))
        p.grad = torch.ones_like(p)
        amss = AMSS({"a": p}, keep=0.5, schedule=Schedule(every=2))
        amss.mask_gradients()
        return amss

    amss, before = made(4), made(6).state_dict()
    own = amss.state_dict()
    with pytest.raises(ValueError, match="the state must be of these units, found a mask of 6 units, not 4"):
        amss.load_state_dict(before)
    far = {**own, "progress": {-1: {**own["progress"][-1], "places": [1]}}}
    with pytest.raises(ValueError, match="the state must be of these 1 tensors, found one of 2"):
        amss.load_state_dict(far)
    with pytest.raises(ValueError, match="same kind of device, found 'cuda' for one on 'cpu'"):
        amss.load_state_dict({**own, "device": "cuda"})
    assert all(same(a, b) for a, b in zip(tensors(amss.state_dict()), tensors(own), strict=True))  # nothing was taken


def test_the_printed_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    net = Net(torch.float32)
    loader = [batch(seed, dtype=torch.float32) for seed in range(3)]
    names: dict[str, object] = {"net": net, "modalities": net.modalities(), "loader": loader}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        exec(compile(block, "docs/masks.md", "exec"), names)
    assert Path("run.pt").exists() and not Path("run.pt.part").exists()


def test_the_claims_that_the_page_names_exist() -> None:
    named = set(re.findall(r"`([a-z]+(?:-[a-z0-9]+)+)`", PAGE))
    assert len(named) >= 8
    assert named <= {claim.id for claim in CLAIMS}
