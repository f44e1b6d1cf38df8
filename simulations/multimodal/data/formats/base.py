"""What a format is: it looks through a raw folder, names all that is missing or broken, and plans the prepared one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from amss_min.testing.loading import BadInput
from simulations.multimodal.data.prepared import Table
from simulations.multimodal.datasets import PARTS
from simulations.multimodal.options import Options

Size = Annotated[int, Field(ge=1, le=4096)]
Advance = Callable[[str, int, int], None]
SHARE = 0.2


class BrokenInput(BadInput):
    """A raw folder that cannot be prepared; `findings` has one line for every missing or broken file."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__("\n  ".join([f"nothing was written, {len(findings)} found:", *findings]))
        self.findings = tuple(findings)


@dataclass(frozen=True)
class Format:
    """A layout of raw files.

    summary: one line. layout: the files, as a user must have them. Options: what can be set. plan(raw, options,
    advance) checks every file and returns what to write, or raises BrokenInput; advance(what, done, total) shows how
    far it is.
    """

    summary: str
    layout: str
    Options: type[Options]
    plan: Callable[[Path, Any, Advance], Table]


def checked(
    items: Sequence[Any], check: Callable[[Any], Sequence[str]], findings: list[str], advance: Advance, what: str
) -> None:
    """Run a check on every item, and add the findings that it returns."""
    for number, item in enumerate(items, start=1):
        findings.extend(check(item))
        advance(what, number, len(items))


def numbered(labels: Sequence[str], names: Sequence[str]) -> NDArray[np.int64]:
    """The position of each label among the names, (N,)."""
    places = {name: place for place, name in enumerate(names)}
    return np.array([places[label] for label in labels], dtype=np.int64)


def with_validation(
    part_of_row: Sequence[str], target: NDArray[np.int64], groups: NDArray[np.int64] | None = None
) -> tuple[Mapping[str, NDArray[np.int64]], str]:
    """The official parts, and in words what became of them.

    part_of_row: train, validation or test for each row. Where no row is of validation, a fifth of the official train
    rows becomes it, always the same one: within each class the rows are shuffled by generator 0 and the first fifth is
    taken, rounded down but at least one row of a class that has two; with groups the groups are shuffled, and taken
    whole until a fifth of the rows is reached. Test rows are never touched.
    """
    rows = {part: np.array([row for row, own in enumerate(part_of_row) if own == part], np.int64) for part in PARTS}
    if len(rows["validation"]):
        return rows, "official parts"
    rng = np.random.default_rng(0)
    train = rows["train"]
    taken: list[NDArray[np.int64]] = []
    if groups is None:
        for label in np.unique(target[train]):
            own = rng.permutation(train[target[train] == label])
            taken.append(own[: max(int(SHARE * len(own)), min(1, len(own) - 1))])
    else:
        for group in rng.permutation(np.unique(groups[train]))[:-1]:
            if sum(len(piece) for piece in taken) >= SHARE * len(train):
                break
            taken.append(train[groups[train] == group])
    validation = np.sort(np.concatenate([np.empty(0, np.int64), *taken]))
    kind = "whole groups" if groups is not None else "stratified by class"
    parts = {"train": np.setdiff1d(train, validation), "validation": validation, "test": rows["test"]}
    return parts, f"official train and test parts; validation is a fifth of the official train rows, {kind}"
