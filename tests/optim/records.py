"""One record per optimizer of `glassbox.optim`: the tests of this folder run through all that stand here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

Wrong = tuple[dict[str, Any], type[Exception], str]  # options, the error, what its message matches


@dataclass(frozen=True)
class Record:
    """What the tests know of one optimizer.

    Attributes
    ----------
    options : list of dict
        Arguments, each of which is compared with torch's optimizer over a hundred steps.
    remembers : dict
        Arguments with which it keeps all that it can keep between steps: for copies, and for the way to torch and back.
    errors : list of Wrong
        Arguments that must be refused.
    """

    options: list[dict[str, Any]]
    remembers: dict[str, Any]
    errors: list[Wrong]


MEANS = [
    {},
    {"lr": 0.01, "betas": (0.8, 0.9), "eps": 1e-3},
    {"lr": 0.01, "weight_decay": 0.1},
    {"lr": 0.01, "amsgrad": True},
    {"lr": 0.01, "amsgrad": True, "maximize": True, "weight_decay": 0.05},
    {"lr": torch.tensor(0.01, dtype=torch.float64), "weight_decay": 0.1},
    {"lr": 0.01, "foreach": False},
]

RECORDS = {
    "SGD": Record(
        options=[
            {"lr": 0.1},
            {"lr": 0.05, "momentum": 0.9},
            {"lr": 0.05, "momentum": 0.9, "dampening": 0.3},
            {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
            {"lr": 0.05, "momentum": 0.5, "maximize": True, "weight_decay": 0.1},
            {"lr": torch.tensor(0.05, dtype=torch.float64), "momentum": 0.9},
            {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01, "foreach": False},
        ],
        remembers={"lr": 0.05, "momentum": 0.9},
        errors=[
            ({"lr": -0.1}, ValueError, r"lr expects zero or more, got lr=-0\.1"),
            ({"lr": float("nan")}, ValueError, "lr=nan"),
            ({"lr": torch.tensor([0.1, 0.2])}, ValueError, r"lr expects one number.*\(2,\)"),
            ({"momentum": -1.0}, ValueError, "momentum expects zero or more"),
            ({"weight_decay": -1.0}, ValueError, "weight_decay expects zero or more"),
            ({"nesterov": True}, ValueError, "nesterov=True expects a momentum"),
            ({"nesterov": True, "momentum": 0.9, "dampening": 0.1}, ValueError, "dampening=0.1"),
            ({"fused": True}, NotImplementedError, "fused=True"),
            ({"differentiable": True}, NotImplementedError, "differentiable=True"),
        ],
    ),
    "Adam": Record(
        options=MEANS,
        remembers={"lr": 0.01, "amsgrad": True},
        errors=[
            ({"lr": -0.1}, ValueError, "lr expects zero or more"),
            ({"eps": -1e-8}, ValueError, "eps expects zero or more"),
            ({"betas": (0.9, 1.0)}, ValueError, r"betas=\(0\.9, 1\.0\)"),
            ({"betas": (torch.tensor(0.9), torch.tensor(0.9))}, NotImplementedError, "betas as floats"),
            ({"differentiable": True}, NotImplementedError, "differentiable=True"),
        ],
    ),
    "AdamW": Record(
        options=MEANS,
        remembers={},
        errors=[
            ({"weight_decay": -1.0}, ValueError, "weight_decay expects zero or more"),
            ({"fused": True}, NotImplementedError, "fused=True"),
        ],
    ),
}
