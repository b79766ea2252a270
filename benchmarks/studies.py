"""How recorded runs of the lessons were made, and how to make them again.

``python -m benchmarks.studies batch_accuracy`` makes again what lesson 3.4 shows; it takes a quarter of an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.faces import faces_starts
from benchmarks.same_sum import same_sum
from benchmarks.timing import processor, seconds
from glassbox import __version__, optim
from glassbox.datasets import LabelledImages, mnist
from glassbox.models import DigitCNN, SmallCNN
from glassbox.nn import _fast
from glassbox.nn._bridge import differentiable
from glassbox.nn._windows import lay
from glassbox.nn.convolution import convolve_backward, convolve_forward
from glassbox.recipes import RECIPES, held_out
from glassbox.training import DivergenceError, evaluate, fit

__all__ = [
    "STUDIES",
    "batch_accuracy",
    "batch_time",
    "convolution_ways",
    "faces_starts",
    "network_accuracy",
    "same_sum",
    "step_time",
]

Rows = Iterator[dict[str, Any]]

BATCH_SIZES = (1, 3, 10, 50, 200, 1000, 5000, 20_000, 60_000)
LEARNING_RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
SMALL_BATCH = 32
"""Below this many images in a batch an epoch takes so many steps that some stand for all."""
STEPS = 200
"""How many steps stand for all of them."""
CHANNELS = (1, 2, 4, 8, 16, 32, 64)
ROUNDS = 11
STEP_SIZES = (2, 8, 32, 128, 512, 2048)
WAYS = {"one thread": (1, 1), "two threads": (1, 2), "two processes": (2, 1)}
"""Ways to share the work: how many processes, and the threads of each."""
NETWORKS: dict[str, Callable[[], torch.nn.Module]] = {
    "SmallCNN": SmallCNN,
    **{f"DigitCNN, width {width}": partial(DigitCNN, width=width) for width in (1, 2, 4, 8)},
}
"""Networks to compare, by name."""
NETWORK_RATES = (0.005, 0.01, 0.02, 0.04)
NETWORK_EPOCHS = 3
SEEDS = (0, 1, 2)
"""Initial weights and orders of the images."""


def batch_time(data: LabelledImages, sizes: tuple[int, ...] = BATCH_SIZES) -> Rows:
    """Measure the seconds of processor time that one epoch of SmallCNN with Adam takes, for each batch size.

    On one thread of an idle machine they are the seconds that pass; on a busy one they do not count the others.
    """
    for size in sizes:
        sample = data[: STEPS * size] if size < SMALL_BATCH else data
        _learn(sample[: 5 * size], size, learning_rate=0.0)  # first calls fill caches
        spent = min(_learn(sample, size, learning_rate=0.0)[1] for _ in range(2))
        yield {
            "batch size": size,
            "seconds per epoch": round(spent * len(data) / len(sample), 3),
            "extrapolated": len(sample) < len(data),
        }


def batch_accuracy(data: LabelledImages, sizes: tuple[int, ...] = BATCH_SIZES) -> Rows:
    """Measure the test accuracy of SmallCNN after one epoch with Adam for each batch size.

    Each size gets the learning rate that does best on training images held out, the higher one of two equals. Sizes
    below 32, where an epoch is long, are tried on a tenth of it, with the rate of the size above and the next one
    below: their gradients are noisier, and bear no longer step.
    """
    learning, choosing = held_out()
    rates: tuple[float, ...] = LEARNING_RATES
    for size in sorted(sizes, reverse=True):
        sample = learning[: len(learning) // 10] if size < SMALL_BATCH else learning
        scores = {rate: _score(sample, size, rate, choosing) for rate in rates}
        best = max(reversed(rates), key=lambda rate: scores[rate])
        if size < 2 * SMALL_BATCH:
            rates = LEARNING_RATES[: LEARNING_RATES.index(best) + 1][-2:]
        accuracy = _score(data, size, best, mnist("test"))
        yield {"batch size": size, "learning rate": best, "accuracy": round(accuracy, 4)}


def step_time(data: LabelledImages, sizes: tuple[int, ...] = STEP_SIZES) -> Rows:
    """Measure the milliseconds of a step of SmallCNN with Adam on one thread, on two, and in two processes."""
    for size in sizes:
        images = min(20 * size, len(data))
        times = {name: round(_milliseconds(size, images, *way), 3) for name, way in WAYS.items()}
        yield {"images in a batch": size, **times}


def convolution_ways(_: LabelledImages, channels: tuple[int, ...] = CHANNELS) -> Rows:
    """Measure the milliseconds of a 3x3 convolution with its gradients, on 16 images of 28x28, in three ways."""
    for count in channels:
        torch.manual_seed(0)
        images = torch.rand(16, count, 28, 28, requires_grad=True)
        weight = torch.rand(count, count, 3, 3, requires_grad=True)
        steps = {name: partial(_convolve, convolve, images, weight) for name, convolve in _ways(images, weight).items()}
        for step in steps.values():
            seconds(step, 2)  # first calls fill caches
        times: dict[str, list[float]] = {name: [] for name in steps}
        for name in list(steps) * ROUNDS:  # in turns
            times[name].append(seconds(steps[name], 3, clock=time.process_time))
        yield {"channels": count, **{name: round(1e3 * statistics.median(found), 3) for name, found in times.items()}}


def network_accuracy(_: LabelledImages) -> Rows:
    """Measure the accuracy of networks that were trained alike, on training images held out.

    Each network learns for three epochs with AdamW, at the learning rate that does best on the images held out from
    one start, and is then judged on them from three. No test image takes part.
    """
    learning, choosing = held_out()
    for name, make in NETWORKS.items():

        def score(rate: float, seed: int, make: Callable[[], torch.nn.Module] = make) -> float:
            optimizer = partial(optim.AdamW, lr=rate, weight_decay=0.02)
            recipe = replace(RECIPES["fast_digits"], model=make, optimizer=optimizer, epochs=NETWORK_EPOCHS)
            model, _ = recipe.train(learning, seed=seed, progress=False)
            return evaluate(model, choosing, device="cpu").accuracy or 0.0

        first = {rate: score(rate, SEEDS[0]) for rate in NETWORK_RATES}
        best = max(first, key=lambda rate: first[rate])
        scores = [first[best], *(score(best, seed) for seed in SEEDS[1:])]
        yield {
            "network": name,
            "parameters": sum(parameter.numel() for parameter in make().parameters()),
            "learning rate": best,
            **{f"seed {seed}": round(found, 4) for seed, found in zip(SEEDS, scores, strict=True)},
        }


def _ways(images: Tensor, weight: Tensor) -> dict[str, Callable[..., Tensor]]:
    """Give the columns of the equation, the rows of `_fast`, and PyTorch's own."""
    side = lay(images.shape[-1], 3, 1, 1, 1, 1, ceil_mode=False)
    always = _fast.convolution._replace(pays=lambda *_, **__: True)
    options: dict[str, Any] = {"rows": side, "columns": side, "groups": 1}
    return {
        "columns": partial(differentiable(convolve_forward, convolve_backward, keeps="seen"), **options),
        "rows": partial(differentiable(convolve_forward, convolve_backward, keeps="seen", fast=always), **options),
        "torch": partial(torch.conv2d, padding=1),
    }


def _convolve(convolve: Callable[..., Tensor], images: Tensor, weight: Tensor) -> None:
    """Go forward and back once."""
    output = convolve(images, weight, None)
    torch.autograd.grad(output, (images, weight), torch.ones_like(output))


def _milliseconds(batch_size: int, images: int, processes: int, threads: int) -> float:
    """Train by the command `glassbox train`, and give the time of a step in the best of five epochs."""
    launcher = ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m"] if processes > 1 else []
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log.jsonl")
        options = [f"--images={images}", f"--batch-size={batch_size}", "--epochs=5", f"--log-file={log}"]
        subprocess.run(
            [sys.executable, "-m", *launcher, "glassbox", "train", "--device=cpu", *options],
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    steps = -(-images // batch_size)
    return 1000 * min(row["seconds"] for row in rows if "seconds" in row) / steps


def _score(data: LabelledImages, batch_size: int, learning_rate: float, judges: LabelledImages) -> float:
    """Train for an epoch and give the share of right answers: none where the run diverged."""
    try:
        model, _ = _learn(data, batch_size, learning_rate=learning_rate)
    except DivergenceError:
        return 0.0
    return evaluate(model, judges, device="cpu").accuracy or 0.0


def _learn(data: LabelledImages, batch_size: int, *, learning_rate: float) -> tuple[torch.nn.Module, float]:
    """Train a new SmallCNN for one epoch; give it, and the seconds of processor time that it took."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = SmallCNN()
    batch_size = min(batch_size, len(data))
    optimizer = partial(optim.Adam, lr=learning_rate)
    start = time.process_time()
    fit(model, data, optimizer=optimizer, batch_size=batch_size, device="cpu", progress=False)
    return model, time.process_time() - start


STUDIES: dict[str, Callable[[LabelledImages], Rows]] = {
    study.__name__: study
    for study in (batch_time, batch_accuracy, step_time, convolution_ways, same_sum, faces_starts, network_accuracy)
}
"""The studies by name."""


def main(arguments: list[str] | None = None) -> None:
    """Run one study, print its rows as they come, and write them down if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.studies", description=__doc__)
    parser.add_argument("name", choices=STUDIES, help="the study")
    parser.add_argument("--threads", type=int, default=1, help="threads of the processor")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="write NAME.json there")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    study, data = STUDIES[chosen.name], mnist("train")
    if data.is_standin:
        parser.exit(1, "the studies are for MNIST, which is not at hand: see `glassbox data`\n")
    rows = []
    for row in study(data):
        print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        rows.append(row)
    if chosen.save is not None:
        content = {
            "what": (study.__doc__ or "").splitlines()[0],
            "made_with": {
                "command": f"python -m benchmarks.studies {chosen.name}",
                "date": date.today().isoformat(),
                "machine": processor(),
                "threads": chosen.threads,
                "glassbox": __version__,
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
            "rows": rows,
        }
        chosen.save.mkdir(parents=True, exist_ok=True)
        (chosen.save / f"{chosen.name}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
