"""The example loops run as they stand, differ from ordinary loops by at most four lines, and mask."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

FOLDER = Path(__file__).parent.parent / "examples"
FRAMEWORKS = {"plain": "torch", "with_accelerate": "accelerate", "with_lightning": "lightning"}
FRAMEWORKS |= {"with_transformers": "transformers"}
MARK = "# +"
MOST_LINES = 4

# What the frameworks say of themselves and of this machine, by its text.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{text}")
    for text in (
        r"`isinstance\(treespec, LeafSpec\)` is deprecated",
        "The 'train_dataloader' does not have many workers",
        "`torch.jit.script_method` is deprecated",
    )
]


def needs(name: str) -> None:
    if importlib.util.find_spec(FRAMEWORKS[name]) is None or (
        name == "with_transformers" and importlib.util.find_spec("accelerate") is None
    ):
        pytest.skip(f"{name} needs the extra frameworks (lightning, accelerate, transformers)")


@pytest.fixture(autouse=True)
def _folder_on_the_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As for a script, whose folder is where imports are looked up first."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield
    sys.modules.pop("two_views", None)


def names_of(source: str, name: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": f"example_{name}"}
    exec(compile(source, f"examples/{name}.py", "exec"), names)
    return names


def ordinary(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if not line.endswith(MARK))


SLOW = [name if name == "plain" else pytest.param(name, marks=pytest.mark.slow) for name in FRAMEWORKS]


def test_every_example_is_listed() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} - {"two_views"} == set(FRAMEWORKS)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_at_most_four_lines_are_new(name: str) -> None:
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    new = [line for line in source.splitlines() if line.endswith(MARK)]
    assert 2 < len(new) <= MOST_LINES
    assert "amss" not in ordinary(source).partition('"""\n\n')[2].lower().replace("from amss_min import", "")


@pytest.mark.parametrize("name", SLOW)
def test_the_example_learns_and_masks(name: str) -> None:
    needs(name)
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    masked, plain = (names_of(text, name) for text in (source, ordinary(source)))
    nets = [names["main"]() for names in (masked, plain)]
    for net in nets:
        assert masked["accuracy"](net) > 0.8  # one of three classes by chance
    weights = [[p.detach() for p in net.parameters()] for net in nets]
    assert not all(torch.equal(a, b) for a, b in zip(*weights, strict=True))
    again = names_of(ordinary(source), name)["main"]()  # the difference is the mask, not chance
    assert all(torch.equal(a, b.detach()) for a, b in zip(weights[1], again.parameters(), strict=True))


@pytest.mark.slow
def test_a_script_prints_its_accuracy() -> None:
    done = subprocess.run([sys.executable, str(FOLDER / "plain.py")], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("accuracy ")
    assert done.stderr == ""


@pytest.mark.slow
def test_lightning_clipping_after_the_mask_is_warned_of() -> None:
    needs("with_lightning")
    names = names_of((FOLDER / "with_lightning.py").read_text(encoding="utf-8"), "with_lightning")
    with pytest.warns(UserWarning, match="clipping there makes an unbiased mask biased"):
        names["main"](gradient_clip_val=0.01, max_steps=2)


@pytest.mark.slow
def test_lightning_masks_after_clipping_where_it_is_told_to() -> None:
    needs("with_lightning")
    source = (FOLDER / "with_lightning.py").read_text(encoding="utf-8")
    hook = "    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:  # +\n"
    assert hook in source
    clipping = (
        "    def configure_gradient_clipping(self, optimizer, gradient_clip_val=None, gradient_clip_algorithm=None):\n"
        "        self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)\n"
    )
    names = names_of(source.replace(hook, clipping), "with_lightning")
    assert names["accuracy"](names["main"](gradient_clip_val=0.5)) > 0.8


@pytest.mark.slow
def test_lightning_with_an_attached_optimizer_says_why_it_refuses() -> None:
    needs("with_lightning")
    source = (FOLDER / "with_lightning.py").read_text(encoding="utf-8")
    attached = source.replace("mask_gradients()", "attach(optimizer) if not self.amss.attached else None")
    with pytest.raises(RuntimeError, match=r"step\(closure\) cannot be masked"):
        names_of(attached, "with_lightning")["main"](max_steps=2)
