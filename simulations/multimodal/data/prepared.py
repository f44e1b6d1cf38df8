"""Prepared folders: arrays as .npy files beside a manifest that says what each must be.

FOLDER/manifest.json names for every array its file, shape, type and SHA-256; beside it lie the files: one a modality,
`target.npy`, and where there are any `groups.npy` and `parts.npy` (for each row 0 train, 1 validation, 2 test, -1
none). A folder is written under a temporary name and renamed when it is whole; it is read without loading the
modalities, and refused with every missing or broken file named.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from amss_min.testing.loading import BadInput
from simulations.multimodal.datasets import PARTS, Dataset

MANIFEST = "manifest.json"
_BYTES_AT_A_TIME = 2**22


class PreparedError(BadInput):
    """A folder that cannot be used or written; the message has a line for every finding."""


@dataclass(frozen=True)
class Column:
    """One modality, row by row: the shape of a row, float32 or int64, and what reads row number i."""

    shape: tuple[int, ...]
    dtype: Literal["float32", "int64"]
    read: Callable[[int], NDArray[Any]]


@dataclass(frozen=True)
class Table:
    """All of a data set but the modalities themselves, which are read one row at a time.

    target, target_names, groups, parts, note: as in Dataset. source: where the rows are from and the parameters that
    made them, as JSON values. texts: files to lie beside the arrays, name -> content, which no reader needs.
    """

    name: str
    columns: Mapping[str, Column]
    target: NDArray[Any]
    target_names: tuple[str, ...]
    groups: NDArray[np.int64] | None = None
    parts: Mapping[str, NDArray[np.int64]] | None = None
    note: str = ""
    source: Mapping[str, Any] | None = None
    texts: Mapping[str, str] = field(default_factory=dict)


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    shape: tuple[int, ...]
    dtype: str
    sha256: str


class _Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    name: str
    modalities: dict[str, _Stored]
    target: _Stored
    target_names: tuple[str, ...]
    groups: _Stored | None
    parts: _Stored | None
    note: str
    source: dict[str, Any]


def write_prepared(folder: Path, table: Table, advance: Callable[[], None] = lambda: None) -> None:
    """Write a prepared folder, one row of one modality in memory at a time.

    folder: must not exist, or be empty. advance: called after each row. The rows go to a hidden folder beside it, which
    is renamed at the end, and removed if anything is raised, Ctrl-C included. Raises PreparedError for a folder that is
    in the way, a name of a modality that makes no file name, or a row of the wrong shape; OSError where the disk
    refuses; and whatever a column's `read` raises.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PreparedError(f"the folder to write must be new or empty, found {folder} with something in it")
    for name in table.columns:
        if not name.isidentifier() or name in ("target", "groups", "parts"):
            raise PreparedError(
                f"a modality's name becomes a file name beside target, groups and parts, found {name!r}"
            )
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        place.chmod(0o755)
        stored = _write_columns(place, table, advance)
        numbers = None
        if table.parts is not None:
            numbers = np.full(len(table.target), -1, dtype=np.int64)
            for number, part in enumerate(PARTS):
                numbers[table.parts[part]] = number
        manifest = _Manifest(
            version=1,
            name=table.name,
            modalities=stored,
            target=_write(place, "target", table.target),
            target_names=table.target_names,
            groups=None if table.groups is None else _write(place, "groups", table.groups),
            parts=None if numbers is None else _write(place, "parts", numbers),
            note=table.note,
            source=dict(table.source or {}),
        )
        for name, content in table.texts.items():
            (place / name).write_text(content, encoding="utf-8")
        (place / MANIFEST).write_text(json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n", encoding="utf-8")
        place.rename(folder)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def read_prepared(folder: Path) -> Dataset:
    """The data set of a prepared folder, its modalities memory-mapped, read-only.

    Every file is read once for its SHA-256, at the speed of the disk. Raises PreparedError with one line for every
    file that is missing, cut, of another shape or type, or changed since it was written.
    """
    manifest, sha256 = _manifest(folder)
    findings: list[str] = []
    arrays = {name: _read(folder, stored, findings) for name, stored in manifest.modalities.items()}
    target = _read(folder, manifest.target, findings)
    groups, numbers = (
        None if stored is None else _read(folder, stored, findings) for stored in (manifest.groups, manifest.parts)
    )
    if findings:
        raise PreparedError(_listed(f"the prepared folder {folder} cannot be used", findings))
    parts = None if numbers is None else {part: np.flatnonzero(numbers == place) for place, part in enumerate(PARTS)}
    try:
        return Dataset(
            name=manifest.name,
            features=arrays,
            target=np.array(target),
            target_names=manifest.target_names,
            groups=None if groups is None else np.array(groups),
            parts=parts,
            sha256=sha256,
            note=manifest.note,
            facts={"source": manifest.source} if manifest.source else {},
        )
    except ValueError as error:
        raise PreparedError(f"the prepared folder {folder} cannot be used: {error}") from error


def _write_columns(place: Path, table: Table, advance: Callable[[], None]) -> dict[str, _Stored]:
    rows = len(table.target)
    arrays = {
        name: np.lib.format.open_memmap(place / f"{name}.npy", "w+", np.dtype(column.dtype), (rows, *column.shape))
        for name, column in table.columns.items()
    }
    for row in range(rows):
        for name, column in table.columns.items():
            values = column.read(row)
            if values.shape != column.shape or values.dtype != column.dtype:
                raise PreparedError(
                    f"row {row} of {name!r} must be {column.dtype} of shape {column.shape}, found {values.dtype} of "
                    f"shape {values.shape}"
                )
            arrays[name][row] = values
        advance()
    for array in arrays.values():
        array.flush()
    return {name: _stored(place / f"{name}.npy", array) for name, array in arrays.items()}


def _write(place: Path, name: str, array: NDArray[Any]) -> _Stored:
    np.save(place / f"{name}.npy", array, allow_pickle=False)
    return _stored(place / f"{name}.npy", array)


def _stored(path: Path, array: NDArray[Any]) -> _Stored:
    return _Stored(file=path.name, shape=array.shape, dtype=str(array.dtype), sha256=_sha256(path))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_BYTES_AT_A_TIME):
            digest.update(piece)
    return digest.hexdigest()


def _manifest(folder: Path) -> tuple[_Manifest, str]:
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
        manifest = _Manifest.model_validate_json(content)
    except OSError as error:
        raise PreparedError(f"no prepared folder {folder}: {MANIFEST}: {error.strerror or error}") from error
    except ValidationError as error:
        findings = []
        for item in error.errors(include_url=False):
            findings.append(f"{MANIFEST}: {'.'.join(str(part) for part in item['loc']) or 'content'}: {item['msg']}")
        raise PreparedError(_listed(f"the prepared folder {folder} cannot be used", findings)) from error
    return manifest, hashlib.sha256(content).hexdigest()


def _read(folder: Path, stored: _Stored, findings: list[str]) -> NDArray[Any]:
    """The array of a file, or an empty one and a finding."""
    path = folder / stored.file
    nothing = np.empty(0)
    if Path(stored.file).name != stored.file:
        findings.append(f"{stored.file}: a file of the folder itself is named, found a path")
        return nothing
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.shape != stored.shape or str(array.dtype) != stored.dtype:
            found = f"{array.dtype} of shape {array.shape}"
            findings.append(f"{stored.file}: must be {stored.dtype} of shape {stored.shape}, found {found}")
        elif (found := _sha256(path)) != stored.sha256:
            findings.append(f"{stored.file}: was changed after it was written: SHA-256 {found}, not {stored.sha256}")
        else:
            return array
    except OSError as error:
        findings.append(f"{stored.file}: {error.strerror or error}")
    except (ValueError, EOFError) as error:
        findings.append(f"{stored.file}: cut or not an array: {error}")
    return nothing


def _listed(heading: str, findings: list[str]) -> str:
    return "\n  ".join([f"{heading}:", *findings])
