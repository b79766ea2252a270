"""The command ``glassbox``: train a network, open it in a page, look after the data, say what is installed."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:  # torch is imported by the commands that compute: --help does not wait for it
    from torch.nn import Module

    from glassbox.datasets import LabelledImages
    from glassbox.training import Epoch, Evaluation, History

app = typer.Typer(
    help="Neural networks with the box open: train one, open it in a page, look after the data, see what is installed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class ModelName(StrEnum):
    """The networks that the command trains."""

    small_cnn = "small_cnn"
    digit_cnn = "digit_cnn"
    mlp = "mlp"
    small_vgg = "small_vgg"


class DataName(StrEnum):
    """The data that the command trains on."""

    mnist = "mnist"
    faces = "faces"


class Precision(StrEnum):
    """The numbers that it computes in."""

    float32 = "float32"
    bfloat16 = "bfloat16"


def _note(message: Warning | str, *place: object) -> None:
    if _leads():
        typer.echo(f"note: {message}", err=True)


def _leads() -> bool:
    """Tell whether this process speaks for all: under torchrun the first does."""
    return os.environ.get("RANK", "0") == "0"


_MISTAKES = (ValueError, ArithmeticError, OSError, ImportError, NotImplementedError)
"""Errors that a wrong argument, file or installation causes; those that the package defines are told likewise."""
_TO_BE_CONTINUED = 75
"""The exit code of a run that was taken away and that the same command goes on with: "try again", in sysexits.h."""


@contextmanager
def _told_in_one_line() -> Iterator[None]:
    """Turn a warning, or a user's mistake, into one line on the error output; a mistake ends with the exit code 1."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _note  # type: ignore[assignment]
            yield
    except Exception as error:
        if not isinstance(error, _MISTAKES) and not type(error).__module__.startswith("glassbox"):
            raise
        typer.echo(f"error: {_in_words(error)}", err=True)
        raise typer.Exit(1) from None


def _in_words(error: Exception) -> str:
    """Tell an error in the command's own words: a file and what is wrong with it, options instead of arguments."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    words = re.sub(r"\bsamples\[:(\d+)\]", r"--samples \1", str(error))
    return re.sub(r"\b(checkpoint|epochs|seed|device|precision|batch_size)=", _as_option, words)


def _as_option(argument: re.Match[str]) -> str:
    return f"--{argument[1].replace('_', '-')} "


@app.command()
def train(
    model: Annotated[ModelName, typer.Option(help="The network.")] = ModelName.small_cnn,
    data: Annotated[DataName, typer.Option(help="What it learns from.")] = DataName.mnist,
    images: Annotated[int | None, typer.Option(min=1, help="Learn from the first so many images only.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="How many times it sees every image.")] = 5,
    batch_size: Annotated[int, typer.Option(min=1, help="Images for each update.")] = 50,
    learning_rate: Annotated[float, typer.Option(help="Step size of Adam.")] = 3e-3,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps...")] = "auto",
    precision: Annotated[Precision, typer.Option(help="bfloat16 is faster on recent devices.")] = Precision.float32,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="The same seed gives the same run.")] = 0,
    checkpoint: Annotated[str | None, typer.Option(help="Folder to keep the state of the run in.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the checkpoint, if there is one.")] = True,
    # Not --log: torchrun would take it for a short form of its own --log-dir.
    log: Annotated[Path | None, typer.Option("--log-file", help="File for the log: one JSON object a line.")] = None,
    save: Annotated[Path | None, typer.Option(help="File for the weights, as safetensors.")] = None,
) -> None:
    """Train a network and measure it on the test images.

    A run that was stopped goes on from its checkpoint when the same command is given again. Ctrl-C, SIGTERM and SIGUSR1
    let it finish its step and write that checkpoint; the weights are saved by a run that ends.

    \b
    Examples:
      glassbox train
      glassbox train --model digit_cnn --epochs 3 --batch-size 128
      glassbox train --checkpoint runs/first --log-file runs/first.jsonl
      glassbox train --model small_vgg --data faces
      torchrun --standalone --nproc-per-node 2 -m glassbox train --epochs 2

    Exit code: 0 done, 1 something is wrong (one line says what), 2 an unknown option, 75 taken away by SIGTERM or
    SIGUSR1 with a checkpoint to go on from (without: 128 and the signal's number), 130 stopped by Ctrl-C.
    """  # noqa: D301 - \b keeps the lines of the examples apart
    with _told_in_one_line():
        from glassbox.files import check_writable
        from glassbox.optim import Adam
        from glassbox.training import evaluate, fit

        learning, test = _load(data, "train")[:images], _load(data, "test")
        network = _build(model, learning, seed)
        report = _Log(log, anew=checkpoint is None or not resume)
        if _leads():
            typer.echo(f"{model.value} on {learning.source}: {len(learning):,} images")
            for file in (log, save):
                if file is not None:
                    check_writable(file, sum(tensor.nbytes for tensor in network.state_dict().values()))
        history = fit(
            network,
            learning,
            optimizer=lambda parameters: Adam(parameters, lr=learning_rate),
            epochs=epochs,
            batch_size=batch_size,
            device=device,
            seed=seed,
            precision=precision.value,
            checkpoint=checkpoint,
            resume=resume,
            on_epoch=lambda epoch: _report(epoch, report),
        )
        if history.interrupted:
            _stop(history, checkpoint)
        if _leads():
            _finish(network, history, evaluate(network, test, device=device), report, save)


def _stop(history: History, checkpoint: str | None) -> NoReturn:
    """Say what is left of a run that was interrupted, and end with the exit code that says so, too."""
    if _leads():
        left = "nothing is left of it: --checkpoint FOLDER would have kept it"
        if checkpoint is not None:
            left = f"the same command goes on from {checkpoint}"
        typer.echo(f"interrupted by {history.interrupted_by} after {len(history)} epochs: {left}", err=True)
    if history.interrupted_by != "SIGINT" and checkpoint is not None:
        raise typer.Exit(_TO_BE_CONTINUED)
    raise typer.Exit(128 + getattr(signal, history.interrupted_by))


def _load(name: DataName, split: str) -> LabelledImages:
    from glassbox import datasets

    return datasets.mnist(split) if name is DataName.mnist else datasets.faces(split)


def _build(name: ModelName, data: LabelledImages, seed: int) -> Module:
    """Make a network that fits the images and the answers."""
    import torch

    from glassbox import models

    channels, height, width = data.images.shape[1:]
    outputs = data.labels.shape[1] if data.labels.ndim == 2 else len(data.class_names)
    if name in (ModelName.small_cnn, ModelName.digit_cnn) and (channels, height, width, outputs) != (1, 28, 28, 10):
        raise ValueError(
            f"{name.value} reads gray images of 28 x 28 with ten classes, not {channels} x {height} x {width} with "
            f"{outputs} answers; try --model small_vgg"
        )
    torch.manual_seed(seed)
    if name is ModelName.small_cnn:
        return models.SmallCNN()
    if name is ModelName.digit_cnn:
        return models.DigitCNN()
    if name is ModelName.mlp:
        return models.MLP(channels * height * width, 64, outputs)
    return models.SmallVGG(outputs, in_channels=channels, image_size=(height, width))


class _Log:
    """One JSON object a line: a row for each epoch, then the test. A row that is written again takes its old place.

    Parameters
    ----------
    path : Path or None
        The file; without one nothing is written.
    anew : bool
        Whether the first row replaces what is in the file; otherwise the run goes on in it.
    """

    def __init__(self, path: Path | None, *, anew: bool) -> None:
        self.path, self.anew = path, anew

    def write(self, row: dict[str, Any]) -> None:
        """Write a row at the end, in the place of those that a run which was killed wrote before its checkpoint."""
        from glassbox.files import write_whole

        if self.path is None:
            return
        line = json.dumps(row) + "\n"
        if self.path.exists() and not self.path.is_file():  # a pipe or a terminal
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(line)
            return
        before: list[str] = []
        if self.path.exists() and not self.anew:
            before = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        rows = [_row_in(text) for text in before]
        stays = len(rows)
        if "epoch" in row:
            later = (index for index, old in enumerate(rows) if old.get("epoch", 0) >= row["epoch"])
            stays = next(later, stays)
        else:
            while stays and "test_loss" in rows[stays - 1]:
                stays -= 1
        write_whole(self.path, "".join(before[:stays]) + line)
        self.anew = False


def _row_in(line: str) -> dict[str, Any]:
    """Read a line of a log; nothing where it is none of ours."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def _report(epoch: Epoch, log: _Log) -> None:
    accuracy = "" if epoch.accuracy is None else f", accuracy {epoch.accuracy:.2%}"
    rate = f"{epoch.images_per_second:,.0f} images per second"
    typer.echo(f"epoch {epoch.epoch}: loss {epoch.loss:.4f}{accuracy}, {rate}")
    log.write(asdict(epoch))


def _finish(network: Module, history: History, test: Evaluation, log: _Log, save: Path | None) -> None:
    typer.echo(f"test: loss {test.loss:.4f}, accuracy {test.accuracy:.2%} on {len(test.predictions):,} images")
    log.write({"test_loss": test.loss, "test_accuracy": test.accuracy, "device": history.device})
    if save is not None:
        from safetensors.torch import save as to_bytes

        from glassbox.files import write_whole

        write_whole(save, to_bytes(network.state_dict()))
        typer.echo(f"weights: {save}")


@app.command()
def explain(
    output: Annotated[Path, typer.Argument(help="The HTML file to write.")] = Path("model.html"),
    model: Annotated[ModelName, typer.Option(help="The network.")] = ModelName.small_cnn,
    weights: Annotated[
        Path | None,
        typer.Option(help="Its weights: a file of train --save or a folder of train --checkpoint; else those shipped."),
    ] = None,
    data: Annotated[DataName, typer.Option(help="Whose test images the page shows.")] = DataName.mnist,
    samples: Annotated[int, typer.Option(min=1, help="How many of them, from the first on.")] = 10,
    title: Annotated[str | None, typer.Option(help="The title of the page.")] = None,
) -> None:
    """Write one HTML file in which every number of a network opens into the sum that made it.

    The file holds the weights and the samples. It needs no server, and it asks nothing of the network.

    \b
    Examples:
      glassbox explain
      glassbox explain digits.html --samples 20 --title "Our network"
      glassbox train --model mlp --save mlp.safetensors
      glassbox explain mlp.html --model mlp --weights mlp.safetensors

    Exit code: 0 done, 1 something is wrong (one line says what), 2 an unknown option.
    """  # noqa: D301
    with _told_in_one_line():
        from glassbox.explain import export

        images = _load(data, "test")
        network = _build(model, images, seed=0)
        _fill_weights(network, model, weights)
        shown = images[: min(samples, len(images))]
        path = export(
            network,
            shown,
            output,
            title=title or f"{model.value} on {images.source}, open",
            loss="binary_cross_entropy_with_logits" if shown.labels.ndim == 2 else "cross_entropy",
        )
        typer.echo(f"page: {path}")


def _fill_weights(network: Module, name: ModelName, path: Path | None) -> None:
    """Load the shipped weights, those of a file, or the newest of a checkpoint folder."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    from glassbox.models.pretrained import load_weights, shipped_weights
    from glassbox.training.checkpoint import load_newest, parse

    if path is None:
        if name.value not in shipped_weights():
            raise ValueError(
                f"the package ships no weights of {name.value}: train it with glassbox train --model {name.value} "
                f"--save {name.value}.safetensors, then give --weights {name.value}.safetensors"
            )
        return load_weights(network, name.value)
    if path.is_dir():
        newest = load_newest(path)
        if newest is None:
            raise ValueError(f"no checkpoint in {path}; give a folder that glassbox train --checkpoint wrote")
        tensors = parse(newest[1])[0]
    else:
        try:
            tensors = load(path.read_bytes())
        except SafetensorError as error:
            raise ValueError(f"{path} is no safetensors file ({error}); give one of glassbox train --save") from None
    try:
        network.load_state_dict(tensors)
    except RuntimeError:
        raise ValueError(
            f"the weights in {path} are not those of a {name.value}; name their network with --model"
        ) from None
    return None


@app.command()
def data(
    download: Annotated[
        bool, typer.Option("--download", help="Fetch into the cache what is missing or damaged there.")
    ] = False,
) -> None:
    """Say where MNIST is looked for and whether each file there is as published.

    \b
    Examples:
      glassbox data
      glassbox data --download
      GLASSBOX_DATA=~/data glassbox data

    Exit code: 0 MNIST is there, 1 it is not, or a file is damaged where GLASSBOX_DATA points.
    """  # noqa: D301
    from glassbox import datasets

    with _told_in_one_line():
        if download:
            typer.echo(f"downloaded to {datasets.fetch_mnist()}")
        found = datasets.find_mnist()
        for file in found:
            typer.echo(f"{file.place:>14}  {file.problem or 'as published':<28}  {file.path}")
        used = found[:4]  # GLASSBOX_DATA, once it is set, is the only place
        if any(file.problem for file in used):
            hint = "put the four files there" if used[0].place == "GLASSBOX_DATA" else "try glassbox data --download"
            raise ValueError(f"MNIST is not complete in {used[0].path.parent}; {hint}")
        typer.echo(f"MNIST is read from {used[0].path.parent}")


@app.command()
def grade(
    folder: Annotated[Path, typer.Argument(help="The folder of the notebooks that were handed in.")],
    output: Annotated[Path, typer.Option("--csv", help="The table to write, a line an answer.")] = Path("grades.csv"),
    students: Annotated[
        Path | None, typer.Option("--students", help="One more table to write, a line a student.")
    ] = None,
    seconds: Annotated[int, typer.Option(min=1, help="How long one run of a notebook may take.")] = 60,
    gigabytes: Annotated[float, typer.Option(help="How much memory one notebook may take.")] = 4.0,
) -> None:
    """Grade the exercises of a class: a table of who answered what, and the slips that were made.

    Each notebook runs without its solutions, in a process of its own that may write into a temporary folder only,
    read what Python and glassbox need, start no program and reach no network. One that is stopped runs again without
    the cell that stopped it.

    \b
    Examples:
      glassbox grade handed-in
      glassbox grade handed-in --csv monday.csv --students totals.csv --seconds 20

    Exit code: 0 done, whatever the grades, 1 something is wrong (one line says what), 2 an unknown option.
    """  # noqa: D301
    with _told_in_one_line():
        from glassbox.exercises import grading

        def progress(done: int, count: int) -> None:
            typer.echo(f"\r{done} of {count}", err=True, nl=done == count)

        rows = grading.grade(
            folder, seconds=seconds, gigabytes=gigabytes, progress=progress if sys.stderr.isatty() else None
        )
        grading.write_csv(rows, output)
        if students is not None:
            grading.write_students(rows, students)
        typer.echo(grading.summary(rows))
        kernel = (
            "bubblewrap and Python" if grading.sandbox() else "Python alone (on Linux, bubblewrap adds the kernel's)"
        )
        notebooks, who = {row.notebook for row in rows}, {row.who for row in rows}
        typer.echo(f"students: {len(who)}, notebooks: {len(notebooks)}, kept from files and network by {kernel}")
        typer.echo(f"table: {output}{'' if students is None else f', {students}'}")


@app.command()
def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    for_class: Annotated[
        bool, typer.Option("--class", help="Try what a class needs: Python, package, data, a figure, a notebook.")
    ] = False,
) -> None:
    """Say which versions, devices, data and weights there are.

    \b
    Examples:
      glassbox info
      glassbox info --json
      glassbox info --class

    Exit code: 0 done, 1 something that a class needs is missing or broken (its line says what to do).
    """  # noqa: D301
    if for_class:
        from glassbox._readiness import try_everything

        ready = True
        for name, works, found in try_everything():
            typer.echo(f"{'--' if works is None else 'ok' if works else 'NO':<4}{name:<10}{found}")
            ready = ready and works is not False
        raise typer.Exit(0 if ready else 1)
    with _told_in_one_line():
        content = _info()
    if as_json:
        typer.echo(json.dumps(content, indent=2))
        return
    width = max(len(name) for entries in content.values() for name in entries)
    for title, entries in content.items():
        typer.echo(title)
        for name, value in entries.items():
            typer.echo(f"  {name:<{width}}  {value}")


def _info() -> dict[str, dict[str, str]]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    import torch

    from glassbox import datasets, models
    from glassbox.models.pretrained import shipped_weights

    versions = {"python": platform.python_version(), "torch": torch.__version__}
    for package in ("glassbox-course", "torchvision", "numpy", "safetensors"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    devices = {"cpu": f"threads: {torch.get_num_threads()}"}
    devices |= {f"cuda:{i}": torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())}
    if torch.backends.mps.is_available():
        devices["mps"] = "Apple"
    places: dict[str, list[str]] = {}
    for file in datasets.find_mnist():
        places.setdefault(f"MNIST, {file.place}", []).append(file.problem)
    data = {place: "complete" if not any(problems) else "not complete" for place, problems in places.items()}
    weights = {}
    for name in shipped_weights():
        card = models.weights_card(name)
        weights[name] = f"{card['parameters']:,} parameters, {card['accuracy']['test']:.2f} % of the test images"
    return {"versions": versions, "devices": devices, "data": data, "weights": weights}
