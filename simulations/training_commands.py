"""The commands of full-model runs: `train`, `compare` and `prepare`."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    str, typer.Argument(metavar="CONFIG", help="A shipped name, a TOML file, a prepared folder, or FILE.py:FUNCTION.")
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting over those of the file.")
]
Seeds = Annotated[int | None, typer.Option("--seeds", min=1, help="Paired seeds.")]
Device = Annotated[str | None, typer.Option("--device", help="cpu or cuda, as --set training.device=.")]
Resume = Annotated[bool, typer.Option("--resume", help="Keep what ended, go on with what did not.")]
Board = Annotated[bool, typer.Option("--tensorboard", help="Write curves for TensorBoard beside each log.")]
Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="Folder that results are written to.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(name="train", short_help="Train methods on paired seeds.")(train)
    app.command(name="compare", short_help="Tune methods equally, train and compare them.")(compare)
    app.command(name="prepare", short_help="Raw files into a prepared folder.")(prepare)


def train(
    config: Config = "htad",
    seeds: Seeds = None,
    overrides: Overrides = None,
    device: Device = None,
    resume: Resume = False,
    tensorboard: Board = False,
    diagnose: Annotated[
        bool, typer.Option("--diagnose", help="Measure the theory on the network at epochs 1, 2, 4 .. and the last.")
    ] = False,
    results: Results = Path("results"),
) -> int:
    """Train methods on paired seeds and write results/train/NAME.json, with a log for each run.

    Reads the configuration and its data, with --resume the runs that ended. Always writes what the table shows, with
    every run, to results/train/NAME.json: {data, settings, runs, summary, findings ...}, and logs and checkpoints to
    results/train/NAME/. What they hold: docs/training.md.

    Exit code: 0; 1 a run met a number that is not finite, or a worker died; 2 bad input; 130 interrupted (--resume
    goes on from there).

    \b
    Examples:
      python -m simulations train htad --seeds 2
      python -m simulations train htad --set training.epochs=10 \\
        --set methods=joint,amss+
      python -m simulations train my.toml --resume
      python -m simulations train imbalanced --set methods=joint,amss --diagnose
    """
    from simulations.multimodal.command import Request, train_command

    chosen = [*(overrides or []), *([] if device is None else [f"training.device={device}"])]
    return train_command(Request(config, chosen, seeds, resume, tensorboard, diagnose, results))


def compare(
    config: Config = "htad",
    seeds: Seeds = None,
    overrides: Overrides = None,
    device: Device = None,
    resume: Resume = False,
    tensorboard: Board = False,
    results: Results = Path("results"),
) -> int:
    """Tune methods equally on validation, train them on paired seeds, compare; write results/compare/NAME.json.

    Reads the configuration and its data, with --resume the runs that ended. Always writes what the tables show, with
    every run, to results/compare/NAME.json: as that of train, with tuning, paired (the differences), claim.

    Exit code: 0; 1 a run met a number that is not finite, or a worker died; 2 bad input; 130 interrupted (--resume
    goes on from there).

    \b
    Examples:
      python -m simulations compare htad
      python -m simulations compare mfeat --seeds 10 \\
        --set compare.lrs=[0.003,0.01,0.03]
      python -m simulations compare my.toml --resume
    """
    from simulations.multimodal.command import Request
    from simulations.multimodal.compare_command import compare_command

    chosen = [*(overrides or []), *([] if device is None else [f"training.device={device}"])]
    return compare_command(Request(config, chosen, seeds, resume, tensorboard, False, results))


def prepare(
    form: Annotated[str, typer.Argument(metavar="FORMAT", help="How the raw folder is laid out.")],
    raw: Annotated[Path, typer.Argument(metavar="RAW", help="The folder of raw files.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The prepared folder to write.")],
    options: Overrides = None,
) -> int:
    """Read raw files once and write a prepared folder that `train` and `compare` take.

    `python -m simulations list formats` tells which files each format wants, and its options. Reads RAW, writes OUT,
    which must be new or empty.

    Exit code: 0; 2 bad input (every file that is missing or broken is named); 130 interrupted. Unless it is 0, OUT is
    left as it was.

    \b
    Examples:
      python -m simulations list formats
      python -m simulations prepare crema-d downloads/CREMA-D prepared/crema-d
      python -m simulations train prepared/crema-d
    """
    from simulations.multimodal.prepare_command import prepare_command

    return prepare_command(form, raw, out, options or [])
