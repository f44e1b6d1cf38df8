"""Estimators and gradients from files: what is found, and every way to mistype it."""

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from amss_min.testing.loading import BadInput, load, load_gradient

MINE = """
from functools import partial

import beside
import torch

number = 3

def estimate(gradient, *, generator):
    return beside.twice(gradient)

def positional(gradient, generator):
    return gradient

def anything(*args, **kwargs):
    return args[0]

def scaled(gradient, scale, *, generator):
    return gradient * scale

halved = partial(scaled, scale=0.5)

def without_generator(gradient):
    return gradient

class Kept:
    def __call__(self, gradient, *, generator):
        return gradient

kept = Kept()
builtin = dict
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an estimator, and a module that it imports; modules from there are forgotten after a test."""
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    (tmp_path / "beside.py").write_text("def twice(gradient):\n    return 2 * gradient\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)) or name.startswith("amss_min_checked_"):
            del sys.modules[name]


# Estimators


@pytest.mark.parametrize(
    ("name", "factor"), [("estimate", 2.0), ("positional", 1.0), ("anything", 1.0), ("halved", 0.5), ("kept", 1.0)]
)
def test_what_can_be_called_as_agreed_is_found(folder: Path, name: str, factor: float) -> None:
    for target in (f"mine.py:{name}", f"{folder}/mine.py:{name}"):
        found = load(target)
        assert found(torch.ones(2), generator=torch.Generator()).tolist() == [factor, factor]


def test_the_path_is_what_it_was(folder: Path) -> None:
    before = list(sys.path)
    load("mine.py:estimate")
    assert sys.path == before
    (folder / "broken.py").write_text("1 / 0\n", encoding="utf-8")
    with pytest.raises(BadInput):
        load("broken.py:estimate")
    assert sys.path == before


def test_a_name_may_hold_a_colon_before_it(folder: Path) -> None:
    """Only the last colon ends the file."""
    (folder / "odd:name.py").write_text(
        "def estimate(gradient, *, generator):\n    return gradient\n", encoding="utf-8"
    )
    assert load("odd:name.py:estimate").__name__ == "estimate"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("mine.py", "must be given as FILE.py:NAME, found 'mine.py'"),
        ("mine.py:", "must be given as FILE.py:NAME, found 'mine.py:'"),
        (":estimate", "must be given as FILE.py:NAME, found ':estimate'"),
        ("mime.py:estimate", "'mime.py' does not exist; did you mean 'mine.py'"),
        ("nowhere/mine.py:estimate", "'nowhere/mine.py' does not exist; there is nothing like it"),
        ("xyzzy.py:estimate", "'xyzzy.py' does not exist; there are beside.py, mine.py"),
        ("..:estimate", "'..' is a folder"),
        ("notes.txt:estimate", "must be in a Python file, found 'notes.txt'"),
        ("mine.py:estimat", "no 'estimat' in mine.py; did you mean 'estimate'?"),
        ("mine.py:xyzzy", "no 'xyzzy' in mine.py; there are number, estimate, positional, anything"),
        ("mine.py:number", "number in mine.py must be a function, found int"),
        ("mine.py:Kept", "Kept in mine.py is a class; name an instance, or a function"),
        (
            "mine.py:without_generator",
            "callable as without_generator(gradient, *, generator), found without_generator(gradient): "
            "got an unexpected keyword argument 'generator'",
        ),
        ("mine.py:scaled", "missing a required argument: 'scale'"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(folder: Path, target: str, message: str) -> None:
    (folder / "notes.txt").write_text("estimate", encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load(target)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message", "cause"),
    [
        ("import nowhere_to_be_found", "raised ModuleNotFoundError while it was imported: No module", ImportError),
        ("import sys\nsys.exit(3)", "raised SystemExit while it was imported: 3", SystemExit),
        ("def f(:", "raised SyntaxError while it was imported: invalid syntax", SyntaxError),
        ("raise ValueError('two\\nlines')", "raised ValueError while it was imported: two lines", ValueError),
        ("raise KeyError", "raised KeyError while it was imported: no message", KeyError),
        ("\0", "raised SyntaxError while it was imported: source code", SyntaxError),
    ],
)
def test_what_a_file_raises_is_said_in_one_line(
    folder: Path, text: str, message: str, cause: type[BaseException]
) -> None:
    (folder / "broken.py").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load("broken.py:estimate")
    assert str(caught.value).startswith(f"broken.py {message}")
    assert isinstance(caught.value.__cause__, cause)


def test_ctrl_c_while_a_file_is_imported_is_no_bad_input(folder: Path) -> None:
    (folder / "broken.py").write_text("raise KeyboardInterrupt", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        load("broken.py:estimate")


# Gradients


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[1.0, 2.0], [3.0, 4.0]]), [[1.0, 2.0], [3.0, 4.0]]),
        (np.array([1, 2], dtype=np.int32), [[1.0], [2.0]]),
        (np.array([1.5], dtype=np.float16), [[1.5]]),
        (np.asfortranarray([[1.0, 2.0], [3.0, 4.0]]), [[1.0, 2.0], [3.0, 4.0]]),
        (np.array([1.0, 2.0], dtype=">f8"), [[1.0], [2.0]]),
        (np.array([7], dtype=np.uint8), [[7.0]]),
    ],
)
def test_a_gradient_is_float64_with_a_unit_a_row(tmp_path: Path, values: Any, expected: list[list[float]]) -> None:
    np.save(tmp_path / "gradient.npy", values)
    found = load_gradient(tmp_path / "gradient.npy")
    assert found.dtype == torch.float64
    assert found.tolist() == expected


def written(save: Callable[..., None], *values: Any, **settings: Any) -> bytes:
    stream = io.BytesIO()
    save(stream, *values, **settings)
    return stream.getvalue()


WHOLE = written(np.save, np.ones((2, 2)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be a .npy file of numbers: No data left in file"),
        (b"1 2 3\n", "must be a .npy file of numbers: "),
        (WHOLE[:-8], "must be a .npy file of numbers: "),
        (written(np.save, np.array([{}]), allow_pickle=True), "must be a .npy file of numbers: Object arrays"),
        (written(np.save, np.array([1j])), "must hold real numbers, found complex128"),
        (written(np.save, np.array([True])), "must hold real numbers, found bool"),
        (written(np.save, np.array(["a"])), "must hold real numbers, found <U1"),
        (written(np.save, np.ones((2, 2, 2))), "must be of shape (K, d) or (K,), found (2, 2, 2)"),
        (written(np.save, np.array(3.0)), "must be of shape (K, d) or (K,), found ()"),
        (written(np.save, np.ones((0, 3))), "must be of shape (K, d) or (K,), found (0, 3)"),
        (written(np.save, np.zeros(3)), "must hold finite numbers that are not all zero"),
        (written(np.save, np.array([1.0, np.nan])), "must hold finite numbers that are not all zero"),
        (written(np.save, np.array([1.0, -np.inf])), "must hold finite numbers that are not all zero"),
    ],
)
def test_what_is_no_gradient_is_said_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "gradient.npy"
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        load_gradient(path)
    assert str(path) in str(caught.value) and message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pickled_file_is_not_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    path = tmp_path / "gradient.npy"
    path.write_bytes(written(np.save, np.array([Bomb()], dtype=object), allow_pickle=True))
    with pytest.raises(BadInput, match=r"must be a \.npy file of numbers"):
        load_gradient(path)
    assert not (tmp_path / "ran").exists()
    np.load(path, allow_pickle=True)
    assert (tmp_path / "ran").exists()  # it would have been


def test_a_mistyped_gradient_gets_the_close_ones(tmp_path: Path) -> None:
    np.save(tmp_path / "gradient.npy", np.ones(3))
    with pytest.raises(BadInput, match=r"no file '.*gradiant.npy'; did you mean 'gradient.npy'\?"):
        load_gradient(tmp_path / "gradiant.npy")


def test_a_folder_is_no_gradient(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"must be a \.npy file of numbers: .*[Dd]irectory"):
        load_gradient(tmp_path)


def test_the_tensor_is_not_the_file(tmp_path: Path) -> None:
    np.save(tmp_path / "gradient.npy", np.ones(3))
    found: Tensor = load_gradient(tmp_path / "gradient.npy")
    found.mul_(2)
    assert load_gradient(tmp_path / "gradient.npy").tolist() == [[1.0]] * 3
