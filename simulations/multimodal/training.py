"""One training run: a method on a seed, selected on validation, scored once on test."""

import copy
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from simulations.multimodal.checkpoint import Folder
from simulations.multimodal.datasets import Dataset
from simulations.multimodal.evaluation import Scores, scores, seen
from simulations.multimodal.history import History
from simulations.multimodal.methods.base import Look, Method, Setup
from simulations.multimodal.model import FusionNet, Output
from simulations.multimodal.nonfinite import Finding, NonFiniteError, check_loss, check_tensors
from simulations.multimodal.replicate import Replicate, digest, orders
from simulations.multimodal.rotation import Rotation, turned_modalities
from simulations.multimodal.settings import Settings
from simulations.multimodal.splits import Part


class StoppedError(Exception):
    """The caller asked for an end."""


@dataclass(frozen=True)
class Run:
    """What a run leaves.

    best_epoch: 1-based; the epoch of highest validation score, ties to the lower validation loss, then to the earlier
    epoch; with select = "last" the last one. epochs: how many were trained. lr: the stepsize. validation, test: scores
    of the weights after the best epoch; test rows are scored once, at the end. history: see History. paired: digests of
    what all methods of a seed share: split, weights, batches. cost: parameters; seconds_per_step, median over epochs;
    peak_memory, bytes, of the device or else of the whole process. diagnosis: see `diagnose`, by epoch.
    """

    method: str
    seed: int
    lr: float
    best_epoch: int
    epochs: int
    validation: Scores
    test: Scores
    history: dict[str, Any]
    paired: dict[str, str]
    cost: dict[str, float]
    diagnosis: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Watch:
    """What happens beside a run.

    folder: where it writes its log and checkpoints. resume: take up the checkpoint there. stop: asked before each
    epoch; once it says so, StoppedError is raised, after a checkpoint. tensorboard: a folder for curves. diagnose:
    measure the theory on the network at epochs 1, 2, 4 .. and the last.
    """

    folder: Folder | None = None
    resume: bool = False
    stop: Callable[[], bool] = lambda: False
    tensorboard: Path | None = None
    diagnose: bool = False


def train(
    dataset: Dataset, method: str, number: int, settings: Settings, lr: float | None = None, watch: Watch | None = None
) -> Run | Finding:
    """Train one method on seed `number`; a number that is not finite ends the run with a Finding instead of a Run.

    lr: in place of the settings' own. Masks and noise have a generator of their own for each method. Layers that draw
    (dropout) use torch's global generator, seeded for the run and given back as it was.
    """
    device = torch.device(settings.training.device)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        session = _Session(dataset, method, number, settings, settings.training.lr if lr is None else lr, device)
        torch.manual_seed(session.replicate.seed(f"layers of {method}"))
        try:
            return session.run(watch or Watch())
        except NonFiniteError as error:
            return Finding(method, number, session.step, error.what, error.tensor, error.modality)


class _Session:
    """The state of a run."""

    def __init__(
        self, dataset: Dataset, name: str, number: int, settings: Settings, lr: float, device: torch.device
    ) -> None:
        self.replicate = Replicate(dataset, number, settings)
        self.settings, self.name, self.lr, self.device, self.task = settings.training, name, lr, device, dataset.task
        self.parts, split = self.replicate.parts()
        net, weights = self.replicate.network()
        self.paired, self.visited = {"split": split, "weights": weights}, ""
        self.net: FusionNet = net.to(device)
        kind, options = settings.method(name)
        chance = self.replicate.generator(f"masks of {name}", device.type)
        plan = self.settings
        setup = Setup(self.task, chance, options, len(self.parts["train"]), plan.batch, plan.epochs, device)
        self.method: Method = kind(self.net, setup)
        self.optimizer = _optimizer(self.method, settings, lr)
        self.schedule = torch.optim.lr_scheduler.StepLR(self.optimizer, plan.lr_step, plan.lr_decay)
        self.method.attach(self.optimizer)
        self.history = History(dataset.modalities)
        self.batches = self.replicate.generator("batches")
        self.turns = self.replicate.generator("rotations")
        self.rotation: Rotation | None = None
        if plan.rotation:
            self.rotation = Rotation(self.parts["train"], turned_modalities(dataset), plan.rotation, self.turns)
        self.epoch, self.step = 0, 0
        self.best: tuple[tuple[float, float], int, dict[str, Any], dict[str, Any]] | None = None
        self.diagnosis: dict[str, Any] = {}

    def run(self, watch: Watch) -> Run:
        board = _board(watch.tensorboard)
        if watch.folder is not None:
            state = watch.folder.state() if watch.resume else None
            if state is None:
                watch.folder.begin()
            else:
                self.load(state)
        saved = time.monotonic()
        order = orders(len(self.parts["train"]), self.batches)
        while self.epoch < self.settings.epochs and not self._patience_is_over():
            if watch.stop():
                if watch.folder is not None and self.epoch:
                    watch.folder.save(self.state())
                raise StoppedError(
                    f"method {self.name}, seed {self.replicate.number}: stopped after {self.epoch} epochs"
                )
            entries = self._one_epoch(next(order))
            if watch.diagnose and self._is_diagnosed():
                self._diagnose()
            if board is not None:
                _draw(board, entries, self.epoch)
            if watch.folder is not None:
                watch.folder.log(
                    {"epoch": self.epoch, "step": self.step, "lr": self.schedule.get_last_lr()[0], **entries}
                )
                if time.monotonic() - saved >= self.settings.checkpoint_seconds and self.epoch < self.settings.epochs:
                    watch.folder.save(self.state())
                    saved = time.monotonic()
        if board is not None:
            board.close()
        return self._outcome()

    def _one_epoch(self, order: Tensor) -> dict[str, object]:
        self.epoch += 1
        self.visited = digest(self.visited.encode(), order.numpy().tobytes())
        part, began = self.parts["train"], time.perf_counter()
        for rows in _batches(order, self.settings.batch):
            self.step += 1
            self._one_step(part, rows)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        seconds = time.perf_counter() - began
        self.schedule.step()
        check_tensors(self.net, "weight")
        # The method may choose by what it sees; the epoch is then scored as the method predicts from there on.
        self.method.epoch_end(self.epoch, self._look)
        found = seen(self.net, self.method, self.parts["validation"], self.device)
        chosen = found.look(self.task)
        rank = (chosen.metric, -chosen.loss)
        if self.best is None or self.settings.select == "last" or rank > self.best[0]:
            held = self.method.state_dict()
            self.best = rank, self.epoch, copy.deepcopy(self.net.state_dict()), copy.deepcopy(held)
        return self.history.epoch(chosen, found, seconds)

    def _one_step(self, part: Part, rows: Tensor) -> None:
        batch = part.rows(rows)
        if self.rotation is not None:
            batch = self.rotation(batch)
        batch = batch.to(self.device)
        if self.settings.precision == "bfloat16":
            with torch.autocast(self.device.type, torch.bfloat16):
                rough = self.net(batch.features)
            output = Output(rough.logits.float(), {name: z.float() for name, z in rough.features.items()})
        else:
            output = self.net(batch.features)
        self.optimizer.zero_grad()
        loss = self.method.backward(output, batch.target)
        if self.device.type == "cpu":  # on a GPU each look would wait for the device; weights are checked every epoch
            check_loss(self.net, output, loss)
            check_tensors(self.net, "gradient")
        self.optimizer.step()
        self.history.step(loss.detach(), self.method.keep)

    def _look(self, which: str) -> Look:
        return seen(self.net, self.method, self.parts[which], self.device).look(self.task)

    def _patience_is_over(self) -> bool:
        patience = self.settings.patience
        return bool(patience and self.best is not None and self.epoch - self.best[1] >= patience)

    def _is_diagnosed(self) -> bool:
        return self.epoch & (self.epoch - 1) == 0 or self.epoch == self.settings.epochs

    def _diagnose(self) -> None:
        from simulations.multimodal.diagnosis import diagnose

        masks = getattr(self.method, "masks", None)
        if masks is not None:
            chance = self.replicate.generator(f"diagnosis after epoch {self.epoch}")
            part, batch = self.parts["train"], self.settings.batch
            found = diagnose(self.net, masks, part, self.task, batch, lr=self.lr, generator=chance)
            self.diagnosis[str(self.epoch)] = found

    def _outcome(self) -> Run:
        assert self.best is not None
        _, best_epoch, weights, held = self.best
        self.net.load_state_dict(weights)
        self.method.load_state_dict(held)
        validation, test = (
            scores(self.net, self.method, self.parts[part], self.task, self.device) for part in ("validation", "test")
        )
        cost = {
            "parameters": sum(parameter.numel() for parameter in self.net.parameters()),
            "seconds_per_step": median(self.history.seconds_per_step),
            "peak_memory": _peak_memory(self.device),
        }
        paired = {**self.paired, "batches": self.visited}
        history = self.history.as_json()
        return Run(
            self.name,
            self.replicate.number,
            self.lr,
            best_epoch,
            self.epoch,
            validation,
            test,
            history,
            paired,
            cost,
            self.diagnosis,
        )

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the run follows from, as tensors and plain values."""
        assert self.best is not None
        rank, best_epoch, weights, held = self.best
        return {
            "net": self.net.state_dict(),
            "method": self.method.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "history": self.history.as_json(),
            "batches": self.batches.get_state(),
            "rotations": self.turns.get_state(),
            "layers": torch.get_rng_state(),
            "layers_device": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
            "epoch": self.epoch,
            "step": self.step,
            "visited": self.visited,
            "best": {"rank": list(rank), "epoch": best_epoch, "weights": weights, "method": held},
            "diagnosis": self.diagnosis,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.net.load_state_dict(state["net"])
        self.method.load_state_dict(state["method"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.history.load(state["history"])
        self.batches.set_state(state["batches"])
        self.turns.set_state(state["rotations"])
        torch.set_rng_state(state["layers"])
        if state["layers_device"] is not None:
            torch.cuda.set_rng_state(state["layers_device"], self.device)
        self.epoch, self.step, self.visited = state["epoch"], state["step"], state["visited"]
        best = state["best"]
        self.best = (best["rank"][0], best["rank"][1]), best["epoch"], best["weights"], best["method"]
        self.diagnosis = state["diagnosis"]


def _batches(order: Tensor, size: int) -> list[Tensor]:
    """The order cut into batches; a last one of a single row joins the one before, since it has no variance."""
    cut = list(order.split(size))
    return [*cut[:-2], torch.cat(cut[-2:])] if len(cut) > 1 and len(cut[-1]) == 1 else cut


def _optimizer(method: Method, settings: Settings, lr: float) -> torch.optim.Optimizer:
    plan = settings.training
    groups = method.parameter_groups(lr)
    if plan.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=lr, betas=(plan.momentum, 0.999), weight_decay=plan.weight_decay)
    return torch.optim.SGD(groups, lr=lr, momentum=plan.momentum, weight_decay=plan.weight_decay)


def _peak_memory(device: torch.device) -> float:
    """Bytes: what torch held on the device at most, or else the largest resident size of this process so far."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device))
    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _board(folder: Path | None) -> Any:
    if folder is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder))


def _draw(board: Any, entries: Mapping[str, object], epoch: int) -> None:
    for name, value in entries.items():
        if isinstance(value, Mapping):
            for modality, number in value.items():
                board.add_scalar(f"{name}/{modality}", number, epoch)
        else:
            board.add_scalar(name, value, epoch)
