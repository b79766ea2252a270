"""What tells one run from another: a word or a number for each thing that matters."""

from __future__ import annotations

import torch
from torch import Tensor

from glassbox.training.distributed import Workers
from glassbox.training.identity import environment, of_function, of_model, of_rows, of_weights
from glassbox.training.settings import Settings


def describe(asked: Settings, workers: Workers) -> dict[str, object]:
    """Describe a run so that another one can be told from it: one word or number for each thing that matters.

    Parameters
    ----------
    asked : Settings
        What the run was asked for.
    workers : Workers
        Who trains.

    Returns
    -------
    dict
        Settings by name, ready for JSON.
    """
    settings: dict[str, object] = dict(of_model(asked.model))
    for index, group in enumerate(asked.optimizer.param_groups):
        for name, value in group.items():
            if name != "params":
                settings[f"optimizer group {index}, {name}"] = repr(
                    float(value) if isinstance(value, Tensor) else value
                )
    return settings | {
        "optimizer": type(asked.optimizer).__name__,
        "loss": of_function(asked.loss.loss),
        "task": asked.loss.task,
        "training data": of_rows(asked.train),
        "validation data": None if asked.validation is None else of_rows(asked.validation),
        "batch_size": asked.batch_size,
        "seed": asked.seed,
        "precision": asked.precision,
        "augment": None if asked.augment is None else of_function(asked.augment),
        "schedule": None if asked.schedule.asked is None else of_function(asked.schedule.asked),
        "epochs": asked.epochs if asked.schedule.asked else "any",
        "initial weights": of_weights(asked.model.state_dict()),
        "environment": environment(workers.device),
        "device": workers.device.type,
        "workers": workers.size,
    }


def describe_worker(asked: Settings, description: dict[str, object]) -> dict[str, object]:
    """Add to the description of a run what may change from start to start, and must be the same at all workers."""
    same = {name: value for name, value in description.items() if name != "environment"}
    return same | {
        "epochs": asked.epochs,
        "checkpoint": asked.checkpoint is not None,
        "checkpoint_every": asked.checkpoint_every,
        "resume": asked.resume,
        "torch": torch.__version__,
    }
