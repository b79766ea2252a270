"""Run the benchmarks: ``python -m benchmarks`` for all, ``python -m benchmarks small-cnn`` for one.

Each line is one figure, ours over the peer's, the median of turns in one process on two threads. All of them are also
written to ``benchmarks/results.json``.
"""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks import nn, training
from benchmarks.timing import processor

THREADS = 2
RESULTS = Path(__file__).parent / "results.json"
BENCHMARKS = {**nn.BENCHMARKS, **training.BENCHMARKS}


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(BENCHMARKS)} (default: all)")
    names = parser.parse_args().names or list(BENCHMARKS)
    if unknown := sorted(set(names) - set(BENCHMARKS)):
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    torch.set_num_threads(THREADS)
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    machine = {"machine": processor(), "python": platform.python_version(), "torch": torch.__version__}
    print(f"{machine['machine']}, {THREADS} threads, Python {machine['python']}, torch {machine['torch']}", flush=True)
    for name in names:
        figures = []
        for figure in BENCHMARKS[name]():
            print(figure, flush=True)
            figures.append({**asdict(figure), "met": figure.met})
        results[name] = {"threads": THREADS, **machine, "figures": figures}
        RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
