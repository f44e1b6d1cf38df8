"""Set up an environment in .venv, then check the study, test it, or run a part of it.

Needs Python 3.11 or later and nothing else. The first call downloads the pinned packages; a stamp in .venv
(a hash of pyproject.toml, constraints.txt and the place of the checkout) lets later calls go without network.
The syntax stays that of Python 3.8, so that an older interpreter gets a message instead of a SyntaxError.

Exit codes: 0 as expected, 1 refuted, unexpected or failed, 2 bad input, 3 inconclusive, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OLDEST = (3, 11)
PACKAGES = ("amss_min", "theory", "simulations", "paper_figs")
COMMANDS = ("verify", "test", "docs", "run")
STAGES = (
    ("simulations", "audit", "--quick"),
    ("simulations", "train", "htad", "--seeds", "2"),
    ("paper_figs", "build"),
    ("paper_figs", "report"),
)
STAMP = "amss-min-stamp.json"
SERVED_BY = {"study": ("study", "docs", "dev"), "docs": ("docs", "dev"), "dev": ("dev",)}
NEEDED = {"verify": "study", "test": "dev", "docs": "docs", "run": "study"}
BADNESS = {0: 0, 3: 1, 2: 2, 1: 3}
MEANING = {0: "as expected", 1: "refuted, unexpected, or a stage broke", 2: "bad input", 3: "inconclusive"}
GRACE = 10.0

HELP = """\
usage: python3 bootstrap.py [--no-install] COMMAND [ARGUMENTS ...]

commands:
  verify                      audit every claim, train on real data, draw the
                              figures, write the report into results/
  test [--all] [PYTEST ...]   ruff, mypy and pytest; --all adds the slow tier;
                              the rest goes to pytest
  docs                        build the documentation into results/docs, for
                              any browser, without network
  run MODULE [ARGUMENTS ...]  python -m MODULE ARGUMENTS, MODULE one of
                              amss_min, theory, simulations, paper_figs

options:
  --no-install                use .venv as it stands (without one, the Python
                              that runs this file)
  -h, --help                  this text

examples:
  python3 bootstrap.py verify
  python3 bootstrap.py test tests/theory -k unbiased
  python3 bootstrap.py docs
  python3 bootstrap.py run theory show ht-unbiased
  python3 bootstrap.py run simulations bench
  python3 bootstrap.py run amss_min check my_file.py:my_estimator

Exit codes: 0 as expected; 1 refuted, unexpected or failed; 2 bad input;
3 inconclusive; 130 interrupted.

Everything runs in the folder of this file; the first call makes .venv there.
verify goes on when a stage fails and ends with the worst exit code: 1 is
worst, then 2, then 3, then 0; any other code of a stage (a crash, a signal)
counts as 1.
"""


class Refusal(Exception):
    """A message for the user that ends the program with exit code 2."""


def main(arguments: list[str], root: Path = ROOT, version: tuple[int, ...] = sys.version_info[:3]) -> int:
    """Carry out one command line and return its exit code."""
    try:
        if version < OLDEST:
            raise Refusal(_too_old(version))
        return _dispatch(arguments, root)
    except Refusal as refusal:
        finding = str(refusal)
    except OSError as error:
        finding = f"the checkout {root} must be usable, but {error.strerror or error}: {error.filename or root}"
    except KeyboardInterrupt:
        print("bootstrap: interrupted", file=sys.stderr)
        return 130
    print(f"bootstrap: {finding}", file=sys.stderr)
    return 2


def _too_old(version: tuple[int, ...]) -> str:
    needed, found = (".".join(map(str, item)) for item in (OLDEST, version))
    return f"Python must be {needed} or later, found {found} ({sys.executable}); try: python{needed} bootstrap.py"


def _dispatch(arguments: list[str], root: Path) -> int:
    rest = list(arguments)
    may_install = True
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in ("-h", "--help"):
            print(HELP, end="")
            return 0
        if option != "--no-install":
            raise Refusal(_unknown("option", option, ("--no-install", "--help")))
        may_install = False
    if not rest:
        raise Refusal(f"a command must be named ({', '.join(COMMANDS)}), found none; see --help")
    command = rest.pop(0)
    if command not in COMMANDS:
        raise Refusal(_unknown("command", command, COMMANDS))
    if command in ("verify", "docs") and rest:
        raise Refusal(f"{command} takes no arguments, found {' '.join(rest)!r}; options stand before the command")
    if command == "run":
        if not rest:
            raise Refusal(f"run must be told what to run ({', '.join(PACKAGES)}), found nothing")
        if rest[0].split(".")[0] not in PACKAGES:
            raise Refusal(_unknown("module", rest[0], PACKAGES))
    python = environment(root, NEEDED[command]) if may_install else present(root)
    if command == "verify":
        return verify(python, root)
    if command == "test":
        return test(python, root, rest)
    if command == "docs":
        return docs(python, root)
    code = execute([python, "-m", *rest], root, dict(os.environ))
    return code if code >= 0 else 128 - code


def _unknown(sort: str, given: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(given, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"known: {', '.join(known)}"
    return f"no {sort} {given!r}; {hint}"


def verify(python: str, root: Path) -> int:
    """Run the stages of the study in order, whatever each of them says, and return the worst exit code."""
    codes = []
    begin = time.monotonic()
    for number, stage in enumerate(STAGES, start=1):
        label = f"[{number}/{len(STAGES)}] {' '.join(stage)}"
        _say(f"{label} ...")
        start = time.monotonic()
        code = execute([python, "-m", *stage], root, single_threaded())
        _say(f"{label}: exit {code} after {time.monotonic() - start:.1f} s")
        codes.append(code)
    code = worst(codes)
    report = root / "results" / "report" / "index.html"
    page = f"; report: {report}" if report.is_file() else ""
    _say(f"verify: exit {code} ({MEANING[code]}) after {time.monotonic() - begin:.1f} s{page}")
    return code


def worst(codes: list[int]) -> int:
    """The gravest of several exit codes: 1, then 2, then 3, then 0; an unknown code counts as 1."""
    return max((code if code in BADNESS else 1 for code in codes), key=lambda code: BADNESS[code])


def test(python: str, root: Path, arguments: list[str]) -> int:
    """Run ruff, mypy and pytest, all of them whatever the first ones say; 0 if all passed, else 1, or 2.

    Exit code 2 means that pytest could not use its arguments, or that they selected no test.
    """
    slow = "--all" in arguments
    rest = [item for item in arguments if item != "--all"]
    variables = single_threaded()
    if slow:
        variables.setdefault("HYPOTHESIS_PROFILE", "deep")
    failed = []
    for step in (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy", "--strict"]):
        start = time.monotonic()
        code = execute([python, "-m", *step], root, variables)
        _say(f"{' '.join(step)}: {'passed' if code == 0 else 'FAILED'} after {time.monotonic() - start:.1f} s")
        if code:
            failed.append(" ".join(step))
    tier = ["-m", "slow or not slow"] if slow else []
    code = execute([python, "-m", "pytest", "-n", "2", *tier, *rest], root, variables)
    if failed:
        print(f"bootstrap: FAILED before the tests: {', '.join(failed)}", file=sys.stderr)
    usage_error, none_collected = 4, 5
    return worst([1 if failed else 0, 2 if code in (usage_error, none_collected) else min(abs(code), 1)])


def docs(python: str, root: Path) -> int:
    """Build the documentation; 0 if nothing had to be warned of, else 1, or 2 where the extra docs is missing."""
    probe = "import material, mkdocs, mkdocstrings_handlers.python"
    if execute([python, "-c", f"try: {probe}\nexcept ImportError: raise SystemExit(4)"], root, dict(os.environ)):
        raise Refusal(f"docs needs the extra 'docs', and {python} lacks it; without --no-install it is installed")
    variables = {"NO_MKDOCS_2_WARNING": "1", **os.environ}
    code = execute([python, "-m", "mkdocs", "build", "--strict", "--quiet"], root, variables)
    page = root / "results" / "docs" / "index.html"
    _say(f"docs: exit {min(abs(code), 1)}{f'; {page}' if code == 0 and page.is_file() else ''}")
    return min(abs(code), 1)


def environment(root: Path, extras: str) -> str:
    """The interpreter of an environment that holds these extras, installed now unless the stamp is current."""
    if ready(root, extras):
        return str(interpreter(root))
    _say(f"setting up {root / '.venv'} for {extras!r}: once, some minutes, most of them for torch")
    start = time.monotonic()
    found = _version(root)
    if found is None:
        _capture([sys.executable, "-m", "venv", "--clear", str(root / ".venv")], root, "make .venv")
    elif found < OLDEST:
        raise Refusal(f"{_too_old(found)} [that is the Python of {root / '.venv'}: remove that folder]")
    stamp = root / ".venv" / STAMP
    stamp.write_text("{}")  # an unwritable folder ends here, and an interrupted installation leaves no valid stamp
    _pip(root, extras)
    stamp.write_text(json.dumps({"extras": extras, "hash": fingerprint(root)}))
    _say(f"set up after {time.monotonic() - start:.1f} s")
    return str(interpreter(root))


def present(root: Path) -> str:
    """The interpreter to use without any check: that of .venv, or else the one that runs this file."""
    return str(interpreter(root)) if interpreter(root).exists() else sys.executable


def interpreter(root: Path) -> Path:
    """Where the Python of .venv is, or would be."""
    return root / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def ready(root: Path, extras: str) -> bool:
    """Whether .venv carries a current stamp for these extras, or for a set that includes them."""
    try:
        stamp = json.loads((root / ".venv" / STAMP).read_text())
        current = bool(stamp["hash"] == fingerprint(root)) and stamp["extras"] in SERVED_BY[extras]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return current and interpreter(root).exists()


def fingerprint(root: Path) -> str:
    """A hash of what an installation depends on: pyproject.toml, constraints.txt and the place of the checkout.

    The place belongs to it because the packages are installed in place: a copied .venv would import the original.
    """
    parts = [(root / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")] + [os.fsencode(str(root))]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def single_threaded() -> dict[str, str]:
    """The environment variables for stages and test workers: one thread each, unless the caller says otherwise."""
    defaults = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    return {**defaults, **os.environ}


def execute(command: list[str], root: Path, variables: dict[str, str]) -> int:
    """Run a command in the checkout and return its exit code; an interrupt waits for it, then ends it."""
    process = subprocess.Popen(command, cwd=str(root), env=variables)
    try:
        return process.wait()
    except KeyboardInterrupt:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=GRACE)
        raise
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _version(root: Path) -> tuple[int, ...] | None:
    if not interpreter(root).exists():
        return None
    probe = [str(interpreter(root)), "-c", "import pip, sys; print(*sys.version_info[:3])"]
    found = subprocess.run(probe, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return tuple(map(int, found.stdout.split())) if found.returncode == 0 else None


def _capture(command: list[str], root: Path, purpose: str) -> None:
    done = subprocess.run(command, cwd=str(root), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        lines = done.stdout.decode(errors="replace").strip().splitlines() or [f"exit {done.returncode}"]
        hint = "the folder must be writable, and the module venv installed (Debian: apt install python3-venv)"
        raise Refusal(f"could not {purpose} in {root}: {lines[-1]}; {hint}")


def _pip(root: Path, extras: str) -> None:
    command = [str(interpreter(root)), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--retries", "2", "--progress-bar", "off", "-c", "constraints.txt", "-e", f".[{extras}]"]
    last = complaint = ""
    record = root / ".venv" / "install.log"
    with open(record, "wb") as log, subprocess.Popen(
        command, cwd=str(root), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        try:
            for raw in process.stdout:
                log.write(raw)
                line = raw.decode(errors="replace").strip()
                last = line or last
                complaint = line if line.startswith("ERROR:") else complaint
                if line.startswith(("Downloading", "Processing", "Building", "Installing")):
                    _say("  " + line[:110])
        except BaseException:
            process.kill()
            raise
    code = process.returncode
    if code:
        reason = "the first call downloads the pinned packages and needs a package index, later calls need no network"
        raise Refusal(f"pip must install what constraints.txt pins, but: {complaint or last}; {reason}; see {record}")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
