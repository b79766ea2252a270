"""Check on a CUDA device what only one can show: ``make check-gpu``, or ``python -m benchmarks.gpu`` in a checkout.

First the tests marked ``gpu``, those that say most before the others; then a training step with and without its CUDA
graph; then the curve of lesson 3.7, time per step over batch size. One JSON object holds it all. Besides torch it takes
numpy, pytest, hypothesis, safetensors and tqdm: neither the network, nor MNIST, nor an installed glassbox.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import torch
from torch import Tensor

ROOT = Path(__file__).parents[1]
if find_spec("glassbox") is None:  # a bare image: from the checkout
    sys.path.insert(0, str(ROOT / "src"))

from glassbox import __version__, optim  # noqa: E402 - found by the lines above
from glassbox.models import DigitCNN, SmallCNN  # noqa: E402
from glassbox.training import fit  # noqa: E402

TESTS = (
    "tests/training/test_capture.py",
    "tests/optim/test_optim.py",
    "tests/nn/test_deck_style.py",
    "tests/nn/test_against_torch.py",
    "tests/nn/test_bridge.py",
    "tests/nn/test_arrangements.py",
    "tests/nn/test_no_borrowed_operators.py",
    "tests/datasets/test_labelled.py",
)
"""Where the tests marked ``gpu`` are, those that say most first."""
MORE = ("tests/nn/test_pytorch_samples.py",)
"""Those left out, because torch's own samples need expecttest."""
SECONDS = 480
"""For everything."""
FOR_TESTS = 0.6
"""The share of them that the tests may take."""
STEP_SIZES = (2, 8, 32, 128, 512, 2048)
"""Images in a batch, as in lesson 3.7."""
STEPS = 40

Rows = Iterator[dict[str, Any]]


def tests(deadline: float) -> Rows:
    """Run the tests of each file, as long as there is time, and give how many passed, failed and were skipped."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])}
    for path in TESTS:
        left = deadline - time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.xml")
            command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", path]
            try:
                done = subprocess.run(
                    [*command, f"--junitxml={report}"],
                    cwd=ROOT,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    timeout=max(left, 1),
                )
            except subprocess.TimeoutExpired:
                yield {"file": path, "passed": 0, "failed": 0, "skipped": 0, "note": "no time was left"}
                continue
            if not report.exists():
                yield {"file": path, "passed": 0, "failed": 1, "skipped": 0, "note": done.stdout[-2000:]}
                continue
            yield {"file": path, **read_report(report.read_text(encoding="utf-8"))}


def read_report(text: str) -> dict[str, Any]:
    """Count the tests in a report of pytest, and name those that failed."""
    cases = list(ElementTree.fromstring(text).iter("testcase"))
    failed = {
        case.get("name", ""): (bad.get("message") or "").splitlines()[:1]
        for case in cases
        for bad in (case.find("failure"), case.find("error"))
        if bad is not None
    }
    skipped = sum(case.find("skipped") is not None for case in cases)
    passed = len(cases) - len(failed) - skipped
    return {"passed": passed, "failed": len(failed), "skipped": skipped, "failures": failed}


def digits(count: int) -> tuple[Tensor, Tensor]:
    """Give noise in the shape of MNIST: what it shows changes no time."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(count, 1, 28, 28, generator=generator), torch.randint(10, (count,), generator=generator)


def milliseconds(model: torch.nn.Module, batch_size: int, device: str, *, capture: Any, steps: int = STEPS) -> float:
    """Train by `fit`, and give the time of a step in the best of four epochs."""
    data = digits(batch_size * steps)
    history = fit(
        model,
        data,
        optimizer=lambda parameters: optim.Adam(parameters, lr=0.001),
        epochs=4,
        batch_size=batch_size,
        device=device,
        capture=capture,
        progress=False,
    )
    if capture and history.capture != "on":
        raise RuntimeError(f"the step was not captured: {history.capture}")
    return round(1000 * min(row.seconds for row in history) / steps, 4)


def graph(device: str = "cuda", sizes: tuple[int, ...] = (50, 128, 512)) -> Rows:
    """Measure the milliseconds of a step with Adam, replayed from a CUDA graph and run kernel by kernel."""
    for build in (SmallCNN, DigitCNN):
        for size in sizes:
            replayed, run = (milliseconds(build(), size, device, capture=capture) for capture in (True, False))
            name = {"network": build.__name__, "images in a batch": size}
            yield {**name, "graph": replayed, "no graph": run, "ratio": round(replayed / run, 3)}


def step_time(device: str = "cuda", sizes: tuple[int, ...] = STEP_SIZES, steps: int = STEPS) -> Rows:
    """Measure the milliseconds of a step of SmallCNN with Adam on a GPU and on the processor beside it."""
    for size in sizes:
        gpu = milliseconds(SmallCNN(), size, device, capture=device != "cpu", steps=steps)
        cpu = milliseconds(SmallCNN(), size, "cpu", capture=False, steps=min(steps, max(5, 2000 // size)))
        yield {"images in a batch": size, "GPU": gpu, "processor": cpu}


def made_with(device: str) -> dict[str, Any]:
    """Say where the figures come from."""
    return {
        "command": "python -m benchmarks.gpu",
        "date": date.today().isoformat(),
        "machine": torch.cuda.get_device_name(device) if device == "cuda" else platform.machine(),
        "threads": torch.get_num_threads(),
        "glassbox": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the checks, and write what they found after each; return the exit code."""
    parser = argparse.ArgumentParser("python -m benchmarks.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--save", type=Path, metavar="FILE", help="where to write the JSON (default: only print it)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="time for everything (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print("check-gpu: torch sees no CUDA device here, so nothing was checked", file=sys.stderr)
        return 1
    start = time.monotonic()
    found: dict[str, Any] = {"made_with": made_with("cuda"), "tests": [], "graph": [], "step_time": [], "stopped": []}
    parts: dict[str, Rows] = {
        "tests": tests(start + FOR_TESTS * chosen.seconds),
        "graph": graph(),
        "step_time": step_time(),
    }
    for name, rows in parts.items():
        try:
            for row in rows:
                print(", ".join(f"{key} {value}" for key, value in row.items()), file=sys.stderr, flush=True)
                found[name].append(row)
                write(found, start, chosen.save)
                if time.monotonic() - start > chosen.seconds:
                    found["stopped"].append(f"{name}: no time was left after {len(found[name])} rows")
                    break
        except Exception as error:  # what was found before stays
            found["stopped"].append(f"{name}: {type(error).__name__}: {error}")
    write(found, start, chosen.save)
    print(json.dumps(found, indent=2))
    return int(any(row["failed"] or not row["passed"] for row in found["tests"]) or bool(found["stopped"]))


def write(found: dict[str, Any], start: float, path: Path | None) -> None:
    """Write what was found so far."""
    found["seconds"] = round(time.monotonic() - start, 1)
    if path is not None:
        path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
