"""The training loop against loops written by hand, one worker against two, and the time to 99 % on MNIST.

``torchrun -m benchmarks.training`` is one worker of the comparison of workers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import glassbox.nn
from benchmarks.nn import small_cnn
from benchmarks.timing import Figure, in_turns
from glassbox.datasets import LabelledImages, mnist
from glassbox.optim import SGD
from glassbox.recipes import RECIPES
from glassbox.training import evaluate, fit

BATCH = 50
OVERHEAD_BAR = 1.10
TIME_BAR = 0.10
GOAL = 0.99


def digits(count: int) -> tuple[Tensor, Tensor]:
    """Give noise in the shape of MNIST: what it shows changes no time."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, 1, 28, 28, generator=generator)
    return images, torch.randint(10, (count,), generator=generator)


def bare_loop(library: Any, optimizer: Callable[..., torch.optim.Optimizer], data: tuple[Tensor, Tensor]) -> Any:
    """Give an epoch that does nothing but train: rows drawn in memory, no measurement, no check."""
    model, criterion = small_cnn(library), library.CrossEntropyLoss()
    images, labels = data
    stepper = optimizer(model.parameters(), lr=0.01)

    def epoch() -> None:
        for indices in torch.randperm(len(images)).split(BATCH):
            loss = criterion(model(images[indices]), labels[indices])
            stepper.zero_grad()
            loss.backward()
            stepper.step()

    return epoch


def loader_loop(data: tuple[Tensor, Tensor]) -> Callable[[], None]:
    """Give an epoch as most scripts write it: ``torch.nn`` and a DataLoader in the same process."""
    model, criterion = small_cnn(nn), nn.CrossEntropyLoss()
    stepper = torch.optim.SGD(model.parameters(), lr=0.01)
    loader = DataLoader(TensorDataset(*data), batch_size=BATCH, shuffle=True)

    def epoch() -> None:
        for images, labels in loader:
            loss = criterion(model(images), labels)
            stepper.zero_grad()
            loss.backward()
            stepper.step()

    return epoch


def fit_epoch(library: Any, optimizer: Callable[..., torch.optim.Optimizer], data: tuple[Tensor, Tensor]) -> Any:
    """Give an epoch of `fit`."""
    model, criterion = small_cnn(library), library.CrossEntropyLoss()
    stepper = optimizer(model.parameters(), lr=0.01)
    return lambda: fit(model, data, loss=criterion, optimizer=stepper, batch_size=BATCH, device="cpu")


def loops() -> Iterator[Figure]:
    """Time an epoch of `fit` on SmallCNN against three loops written by hand."""
    data = digits(2_000)
    ours = fit_epoch(glassbox.nn, SGD, data)
    on_torch = fit_epoch(nn, torch.optim.SGD, data)
    name = "fit, 2,000 images, batch 50"
    settings = {"rounds": 9, "turn": 0.2}
    yield in_turns(
        f"{name}, on glassbox.nn",
        ours,
        bare_loop(glassbox.nn, SGD, data),
        bar=OVERHEAD_BAR,
        peer_name="bare loop",
        **settings,
    )
    yield in_turns(
        f"{name}, on torch.nn",
        on_torch,
        bare_loop(nn, torch.optim.SGD, data),
        bar=OVERHEAD_BAR,
        peer_name="bare loop",
        **settings,
    )
    yield in_turns(f"{name}, on glassbox.nn", ours, loader_loop(data), peer_name="torch DataLoader", **settings)
    yield in_turns(
        f"{name}, on glassbox.nn", ours, bare_loop(nn, torch.optim.SGD, data), peer_name="torch in memory", **settings
    )


def workers() -> Iterator[Figure]:
    """Compare the images per second of two workers, each on one thread, with those of one."""
    rates = [_images_per_second(count) for count in (2, 1)]
    ours, peer = (1e3 / rate for rate in rates)
    yield Figure(
        "VGG block, batch 128, 2 workers", ours, peer, ours / peer, None, unit="ms/image", peer_name="1 worker"
    )


def _images_per_second(count: int) -> float:
    """Start workers, and return what the first one reports."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    done = subprocess.run(
        [*command, "-m", "benchmarks.training"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return float(done.stdout)


def work() -> None:
    """Train a convolution large enough that sending its gradients is a small part of a step."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10)
    )
    model(torch.zeros(1, 1, 28, 28))
    history = fit(model, digits(2_000), epochs=3, batch_size=128, device="cpu", progress=False)
    if os.environ.get("RANK", "0") == "0":
        print(max(row.images_per_second for row in history))


def to_99_percent() -> Iterator[Figure]:
    """Time our fast recipe and PyTorch's example until 99 % of the test images are right; measuring is not counted."""
    train, test = mnist("train"), mnist("test")
    if train.is_standin:
        raise SystemExit("this benchmark needs MNIST: see `glassbox data`")
    begin = time.perf_counter()
    model, _ = RECIPES["fast_digits"].train(train)
    ours = time.perf_counter() - begin
    accuracy = evaluate(model, test, device="cpu").accuracy or 0.0
    if accuracy < GOAL:
        raise SystemExit(f"the recipe fast_digits reached {accuracy:.2%} only")
    peer = pytorch_example(train, test)
    yield Figure(f"MNIST to {GOAL:.0%}", ours, peer, ours / peer, TIME_BAR, unit="s", peer_name="PyTorch's example")


def pytorch_example(train: LabelledImages, test: LabelledImages) -> float:
    """Train as PyTorch's MNIST example does, and return the seconds that it took to the goal."""
    torch.manual_seed(1)
    model = nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25)),
        *(nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10), nn.LogSoftmax(1)),
    )
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    slower = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    # The example's Normalize(mean, std), once for all images: in its DataLoader it would take longer still.
    loader = DataLoader(TensorDataset((train.images - 0.1307) / 0.3081, train.labels), batch_size=64, shuffle=True)
    scaled = ((test.images - 0.1307) / 0.3081, test.labels)
    total, accuracy = 0.0, 0.0
    while accuracy < GOAL:
        begin = time.perf_counter()
        for images, labels in loader:
            optimizer.zero_grad()
            nn.functional.nll_loss(model(images), labels).backward()
            optimizer.step()
        slower.step()
        total += time.perf_counter() - begin
        accuracy = evaluate(model, scaled, loss=nn.NLLLoss(), device="cpu").accuracy or 0.0
    return total


BENCHMARKS = {"fit": loops, "workers": workers, "mnist-99": to_99_percent}

if __name__ == "__main__":
    work()
