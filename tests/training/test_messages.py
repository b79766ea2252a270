"""What `fit` and `evaluate` say of bad arguments: each message with its sentence, and the model as it was."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau, StepLR
from torch.utils.data import DataLoader, Dataset, TensorDataset

from glassbox.training import DivergenceError, History, evaluate, fit
from tests.training.runs import blobs, network

INPUTS, LABELS = blobs(20)
F = nn.functional
x = torch.zeros(4)


class Items(Dataset):
    """A dataset of just these items."""

    def __init__(self, *items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


class Detached(nn.Linear):
    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs).detach()


class Own(nn.Linear):
    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs)["logits"]


def square(outputs: Tensor, targets: Tensor) -> Tensor:
    return ((outputs - targets) ** 2).mean()


def words() -> nn.Module:
    return nn.Sequential(nn.Embedding(9, 5, sparse=True), nn.Flatten(), nn.Linear(20, 3))


def net() -> nn.Module:
    return network()


def nan_at(values: Tensor, value: float = torch.nan) -> Tensor:
    changed = values.clone()
    changed.view(-1)[3] = value
    return changed


def call(model: Any = None, train: Any = None, **options: Any) -> History:
    data = (INPUTS, LABELS) if train is None else train
    return fit(net() if model is None else model, data, **{"device": "cpu", "batch_size": 7} | options)


MESSAGES: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "model None": (
        lambda: fit(None, (INPUTS, LABELS)),
        TypeError,
        (
            "model must be a torch.nn.Module, and this one is of type NoneType: try nn.Sequential(...), "
            "or a class that inherits from nn.Module"
        ),
    ),
    "model function": (
        lambda: call(lambda x: x),
        TypeError,
        (
            "model must be a torch.nn.Module, and this one is a function: try nn.Sequential(...), or a "
            "class that inherits from nn.Module"
        ),
    ),
    "model class": (
        lambda: call(nn.Linear),
        TypeError,
        "model is the class Linear; pass an instance: Linear(...)",
    ),
    "model str": (
        lambda: call("small_cnn"),
        TypeError,
        (
            "model must be a torch.nn.Module, and this one is of type str: try nn.Sequential(...), or a "
            "class that inherits from nn.Module"
        ),
    ),
    "evaluate model None": (
        lambda: evaluate(None, (INPUTS, LABELS)),
        TypeError,
        (
            "model must be a torch.nn.Module, and this one is of type NoneType: try nn.Sequential(...), "
            "or a class that inherits from nn.Module"
        ),
    ),
    "model meta": (
        lambda: call(nn.Linear(4, 3, device="meta")),
        ValueError,
        (
            "Linear is on the device meta, where weights have a shape and no numbers: build it outside "
            'torch.device("meta"), or fill it by model.to_empty(device="cpu") and its own initial weights'
        ),
    ),
    "model detached": (
        lambda: call(Detached(4, 3)),
        ValueError,
        (
            "the outputs of Detached cannot be differentiated; expects operations on tensors alone: try "
            "without detach(), .item(), numpy and torch.no_grad()"
        ),
    ),
    "model wrong output": (
        lambda: call(Own(4, 3)),
        ValueError,
        "Own cannot read inputs of train with shape (2, 4) and type torch.float32: ...",
    ),
    "model inplace": (
        lambda: call(nn.Sequential(nn.Linear(4, 3), nn.Sigmoid(), nn.ReLU(inplace=True))),
        ValueError,
        "the gradient of CrossEntropyLoss cannot be computed: ...modified by an inplace operation...",
    ),
    "model of no tensors": (
        lambda: call(nn.Sequential()),
        ValueError,
        "Sequential has no parameters: there is nothing to train",
    ),
    "train None": (
        lambda: fit(net(), None),
        TypeError,
        (
            "train is of type NoneType; pass LabelledImages, a pair (inputs, targets) of tensors or a "
            "torch.utils.data.Dataset"
        ),
    ),
    "train dict": (
        lambda: call(train={"x": INPUTS, "y": LABELS}),
        TypeError,
        (
            "train is of type dict; pass LabelledImages, a pair (inputs, targets) of tensors or a "
            "torch.utils.data.Dataset"
        ),
    ),
    "train ndarray": (
        lambda: call(train=INPUTS.numpy()),
        TypeError,
        (
            "train is of type ndarray; pass LabelledImages, a pair (inputs, targets) of tensors or a "
            "torch.utils.data.Dataset: try torch.from_numpy"
        ),
    ),
    "train DataFrame": (
        lambda: call(train=pd.DataFrame({"a": [1.0, 2.0]})),
        TypeError,
        (
            "train is a DataFrame; expects tensors: try (torch.tensor(train[columns].to_numpy()), "
            "torch.tensor(train[column].to_numpy()))"
        ),
    ),
    "train str": (
        lambda: call(train="mnist"),
        TypeError,
        (
            "train is of type str; pass LabelledImages, a pair (inputs, targets) of tensors or a "
            "torch.utils.data.Dataset"
        ),
    ),
    "train triple": (
        lambda: call(train=(INPUTS, LABELS, LABELS)),
        TypeError,
        (
            "train is of type tuple and length 3; pass LabelledImages, a pair (inputs, targets) of "
            "tensors or a torch.utils.data.Dataset"
        ),
    ),
    "train lists": (
        lambda: call(train=([[1.0, 2, 3, 4]], [0])),
        TypeError,
        "the inputs of train are of type list; pass tensors: torch.as_tensor",
    ),
    "train DataLoader": (
        lambda: call(train=DataLoader(TensorDataset(INPUTS, LABELS))),
        TypeError,
        "train is a DataLoader; pass its dataset, train.dataset: batches are drawn here",
    ),
    "train generator": (
        lambda: call(train=(x for x in ())),
        TypeError,
        (
            "train is of type generator; pass LabelledImages, a pair (inputs, targets) of tensors or a "
            "torch.utils.data.Dataset"
        ),
    ),
    "items no pair": (
        lambda: call(train=Items(x, x)),
        TypeError,
        "item 0 of train is of type Tensor; expects (input, target)",
    ),
    "items triples": (
        lambda: call(train=Items((x, 1, 2), (x, 1, 2))),
        TypeError,
        "item 0 of train is of type tuple and length 3; expects (input, target)",
    ),
    "items dicts": (
        lambda: call(train=Items({"x": x}, {"x": x})),
        TypeError,
        "item 0 of train is of type dict; expects (input, target)",
    ),
    "ragged": (
        lambda: call(train=Items((x, 1), (x[:3], 1))),
        ValueError,
        (
            "the inputs of train have several shapes, (4,) for item 0 and (3,) for item 1; expects one: "
            "try a transform that resizes or crops"
        ),
    ),
    "ragged later": (
        lambda: call(train=Items((x, 1), (x, 1), (x[:3], 1))),
        ValueError,
        (
            "the inputs of train have several shapes, (3,) for item 2 and (4,) for item 0; expects one: "
            "try a transform that resizes or crops"
        ),
    ),
    "str labels": (
        lambda: call(train=Items((x, "cat"), (x, "dog"))),
        TypeError,
        (
            "the target of item 0 of train is of type str; expects a tensor, an array or a number (a "
            "class is a number from 0)"
        ),
    ),
    "None labels": (
        lambda: call(train=Items((x, None), (x, None))),
        TypeError,
        (
            "the target of item 0 of train is of type NoneType; expects a tensor, an array or a number (a"
            " class is a number from 0)"
        ),
    ),
    "objects": (
        lambda: call(train=Items((object(), 1), (object(), 1))),
        TypeError,
        (
            "the input of item 0 of train is of type object, which cannot become a tensor: ...; try a "
            "transform, such as ToTensor"
        ),
    ),
    "sparse": (
        lambda: call(train=(INPUTS.to_sparse(), LABELS)),
        TypeError,
        "the inputs of train are a sparse tensor; expects a dense one: try .to_dense()",
    ),
    "complex targets": (
        lambda: call(train=(INPUTS, INPUTS[:, :3].to(torch.complex64))),
        TypeError,
        "the targets of train are complex; expects real numbers: try torch.view_as_real",
    ),
    "complex inputs": (
        lambda: call(train=(INPUTS.to(torch.complex64), LABELS)),
        ValueError,
        "Sequential cannot read inputs of train with shape (2, 4) and type torch.complex64: ...",
    ),
    "meta inputs": (
        lambda: call(train=(INPUTS.to("meta"), LABELS.to("meta"))),
        ValueError,
        "the inputs of train are on the device meta, where tensors have a shape and no numbers",
    ),
    "nan targets": (
        lambda: call(train=(INPUTS, nan_at(INPUTS[:, :3]))),
        ValueError,
        "the targets of train hold values that are not finite; remove these examples first",
    ),
    "inf inputs": (
        lambda: call(train=(nan_at(INPUTS, torch.inf), LABELS)),
        ValueError,
        "the inputs of train hold values that are not finite; remove these examples first",
    ),
    "labels int32": (
        lambda: call(train=(INPUTS, LABELS.int()), loss=nn.MultiMarginLoss()),
        ValueError,
        (
            "the loss MultiMarginLoss cannot compare outputs of shape (2, 3) with targets of shape (2,) "
            "and type torch.int32: ...; labels are of type torch.int64: try targets.long()"
        ),
    ),
    "labels bool": (
        lambda: call(train=(INPUTS, torch.zeros(20, 3, dtype=torch.bool))),
        ValueError,
        (
            "the loss CrossEntropyLoss cannot compare outputs of shape (2, 3) with targets of shape (2, "
            "3) and type torch.bool: ...; yes/no answers are floats, 0 or 1: try targets.float()"
        ),
    ),
    "label column": (
        lambda: call(train=(INPUTS, LABELS.unsqueeze(1))),
        ValueError,
        (
            "the loss CrossEntropyLoss cannot compare outputs of shape (2, 3) with targets of shape (2, "
            "1) and type torch.int64: ..."
        ),
    ),
    "labels from 1": (
        lambda: call(train=(INPUTS, LABELS + 1)),
        ValueError,
        "the labels of train run from 1 to 3, but the model has 3 outputs, for the classes 0 to 2",
    ),
    "all ignored": (
        lambda: call(train=(INPUTS, torch.full((20,), -100))),
        ValueError,
        "every label of train is -100, which CrossEntropyLoss ignores: none is left",
    ),
    "evaluate all ignored": (
        lambda: evaluate(net(), (INPUTS, torch.full((20,), 255)), loss=nn.CrossEntropyLoss(ignore_index=255)),
        ValueError,
        "every label of data is 255, which CrossEntropyLoss ignores: none is left",
    ),
    "nan class weights": (
        lambda: call(loss=nn.CrossEntropyLoss(torch.tensor([1, torch.nan, 1]))),
        ValueError,
        "the weights of CrossEntropyLoss hold values that are not finite",
    ),
    "class weights of another length": (
        lambda: call(loss=nn.CrossEntropyLoss(torch.ones(4))),
        ValueError,
        (
            "the loss CrossEntropyLoss cannot compare outputs of shape (2, 3) with targets of shape (2,) "
            "and type torch.int64: ..."
        ),
    ),
    "dataset floats": (
        lambda: call(train=Items((x, torch.zeros(3)), (x, torch.ones(3)))),
        ValueError,
        (
            "the targets of train are floats that are read one by one, so that fit cannot tell yes/no "
            'answers from numbers: pass task="multilabel" or task="regression", or a loss'
        ),
    ),
    "(N,1) MSE": (
        lambda: call(nn.Linear(4, 1), (INPUTS, INPUTS[:, 0])),
        ValueError,
        (
            "the model's outputs have shape (2, 1) and the targets of train (2,); MSELoss needs the same "
            "shape (for one output per example: targets.unsqueeze(1))"
        ),
    ),
    "(N,1) SmoothL1": (
        lambda: call(nn.Linear(4, 1), (INPUTS, INPUTS[:, 0]), loss=nn.SmoothL1Loss()),
        ValueError,
        (
            "the model's outputs have shape (2, 1) and the targets of train (2,); SmoothL1Loss needs the "
            "same shape (for one output per example: targets.unsqueeze(1))"
        ),
    ),
    "(N,1) Huber": (
        lambda: call(nn.Linear(4, 1), (INPUTS, INPUTS[:, 0]), loss=nn.HuberLoss()),
        ValueError,
        (
            "the model's outputs have shape (2, 1) and the targets of train (2,); HuberLoss needs the "
            "same shape (for one output per example: targets.unsqueeze(1))"
        ),
    ),
    "(N,1) huber function": (
        lambda: call(nn.Linear(4, 1), (INPUTS, INPUTS[:, 0]), loss=partial(F.huber_loss, delta=0.5)),
        ValueError,
        (
            "the model's outputs have shape (2, 1) and the targets of train (2,); HuberLoss needs the "
            "same shape (for one output per example: targets.unsqueeze(1))"
        ),
    ),
    "(N,1) lambda": (
        lambda: call(nn.Linear(4, 1), (INPUTS, INPUTS[:, 0]), loss=square),
        ValueError,
        (
            "the loss square compares each of the outputs, (2, 1), with all the targets of train, (2,):"
            " give both one shape (for one output per example: targets.unsqueeze(1))"
        ),
    ),
    "(N,) lambda": (
        lambda: call(
            nn.Sequential(nn.Linear(4, 1), nn.Flatten(0)),
            (INPUTS, INPUTS[:, :1]),
            loss=square,
        ),
        ValueError,
        (
            "the loss square compares each of the outputs, (2,), with all the targets of train, (2, 1):"
            " give both one shape (for one output per example: targets.unsqueeze(1))"
        ),
    ),
    "loss class": (
        lambda: call(loss=nn.CrossEntropyLoss),
        TypeError,
        "loss is the class CrossEntropyLoss; pass an instance: CrossEntropyLoss()",
    ),
    "loss str": (
        lambda: call(loss="mse"),
        TypeError,
        "loss must be a function of (outputs, targets), not 'mse'",
    ),
    "loss detached": (
        lambda: call(loss=lambda o, t: F.cross_entropy(o, t).detach()),
        ValueError,
        (
            "the loss <lambda> cannot be differentiated; expects operations on tensors alone: try without"
            " detach(), .item(), numpy and torch.no_grad()"
        ),
    ),
    "loss item": (
        lambda: call(loss=lambda o, t: F.cross_entropy(o, t).item()),
        ValueError,
        "the loss <lambda> must return a tensor, not ...: leave .item() out",
    ),
    "loss (1,)": (
        lambda: call(loss=lambda o, t: F.cross_entropy(o, t).reshape(1)),
        ValueError,
        (
            "the loss <lambda> must return one number; try .squeeze() or .mean() (its shape is (1,), and "
            "that of a number is ())"
        ),
    ),
    "loss none": (
        lambda: call(loss=nn.CrossEntropyLoss(reduction="none")),
        ValueError,
        (
            "the loss CrossEntropyLoss must return one number; use reduction='mean' (its shape is (2,), "
            "and that of a number is ())"
        ),
    ),
    "loss int": (
        lambda: call(loss=lambda o, t: (o.argmax(1) != t).sum()),
        ValueError,
        "the loss <lambda> returned a number of type torch.int64; expects a real float",
    ),
    "loss None returned": (
        lambda: call(loss=lambda o, t: None),
        ValueError,
        "the loss <lambda> must return a tensor, not None",
    ),
    "loss one argument": (
        lambda: call(loss=lambda o: o.mean()),
        ValueError,
        (
            "the loss <lambda> cannot compare outputs of shape (2, 3) with targets of shape (2,) and type"
            " torch.int64: ... takes 1 positional argument but 2 were given"
        ),
    ),
    "task unknown": (
        lambda: call(task="classes"),
        ValueError,
        "task must be one of 'classification', 'multilabel', 'regression', not 'classes'",
    ),
    "task against loss": (
        lambda: call(task="regression", loss=nn.CrossEntropyLoss()),
        ValueError,
        (
            "task='regression' does not go with the loss CrossEntropyLoss, which is for classification: "
            "leave the task out, or give another loss"
        ),
    ),
    "task against targets": (
        lambda: call(task="classification", train=(INPUTS, INPUTS[:, :3]), loss=square),
        ValueError,
        (
            "the model's outputs have shape (2, 3) and the targets of train (2, 3), of type "
            "torch.float32; classification takes outputs (N, classes, ...) and whole numbers (N, ...): "
            "give another task"
        ),
    ),
    "task multilabel shape": (
        lambda: call(task="multilabel", loss=lambda o, t: F.cross_entropy(o, t)),
        ValueError,
        (
            "the model's outputs have shape (2, 3) and the targets of train (2,); multilabel takes the "
            "same shape (for one output per example: targets.unsqueeze(1))"
        ),
    ),
    "device None": (
        lambda: call(device=None),
        ValueError,
        'device None is unknown; this machine has ... "auto" takes the first',
    ),
    "device unknown": (
        lambda: call(device="gpu"),
        ValueError,
        "device 'gpu' is unknown; this machine has ... \"auto\" takes the first",
    ),
    "device number": (
        lambda: call(device=0),
        ValueError,
        "device '0' is not there; this machine has ... \"auto\" takes the first",
    ),
    "checkpoint int": (
        lambda: call(checkpoint=7),
        TypeError,
        "checkpoint must be the path of a folder, not 7",
    ),
    "checkpoint empty": (
        lambda: call(checkpoint=""),
        ValueError,
        "checkpoint is '', which would be the working directory: name a folder",
    ),
    "schedule None": (
        lambda: call(schedule=lambda p: None),
        ValueError,
        (
            "schedule returned None at progress 0; expects the factor of the learning rate, a finite "
            "number that is 0 or more"
        ),
    ),
    "schedule str": (
        lambda: call(schedule=lambda p: "0.5"),
        ValueError,
        (
            "schedule returned '0.5' at progress 0; expects the factor of the learning rate, a finite "
            "number that is 0 or more"
        ),
    ),
    "schedule complex": (
        lambda: call(schedule=lambda p: 1j),
        ValueError,
        (
            "schedule returned 1j at progress 0; expects the factor of the learning rate, a finite number"
            " that is 0 or more"
        ),
    ),
    "schedule -1": (
        lambda: call(schedule=lambda p: 1 - 3 * p, epochs=2),
        ValueError,
        (
            "schedule returned -0.5 at progress 0.5; expects the factor of the learning rate, a finite "
            "number that is 0 or more"
        ),
    ),
    "schedule nan": (
        lambda: call(schedule=lambda p: float("nan")),
        ValueError,
        (
            "schedule returned nan at progress 0; expects the factor of the learning rate, a finite "
            "number that is 0 or more"
        ),
    ),
    "schedule raises": (
        lambda: call(schedule=lambda p: 1 / p),
        ValueError,
        (
            "schedule cannot be called with the progress 0.0: float division by zero; expects a function "
            "of the progress that returns a factor, or one of the optimizer that returns an LRScheduler: "
            "lambda optimizer: StepLR(optimizer, 100)"
        ),
    ),
    "schedule no argument": (
        lambda: call(schedule=lambda: 1),
        ValueError,
        (
            "schedule cannot be called with the progress 0.0: ... takes 0 positional arguments but 1 was "
            "given; expects a function of the progress that returns a factor, or one of the optimizer "
            "that returns an LRScheduler: lambda optimizer: StepLR(optimizer, 100)"
        ),
    ),
    "schedule plateau": (
        lambda: call(schedule=ReduceLROnPlateau),
        ValueError,
        (
            "ReduceLROnPlateau waits for a measurement, and fit steps a schedule at every update: try a "
            "function of the progress, such as glassbox.training.OneCycle(), or another scheduler"
        ),
    ),
    "schedule class": (
        lambda: call(schedule=StepLR),
        ValueError,
        (
            "schedule cannot be called with the progress 0.0: StepLR.__init__() missing 1 required "
            "positional argument: 'step_size'; expects a function of the progress that returns a factor, "
            "or one of the optimizer that returns an LRScheduler: lambda optimizer: StepLR(optimizer, "
            "100)"
        ),
    ),
    "schedule other optimizer": (
        lambda: call(schedule=StepLR(torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1), 2)),
        ValueError,
        (
            "the schedule, StepLR, belongs to another optimizer: pass that optimizer too, or a function "
            "that makes it, lambda optimizer: StepLR(optimizer, ...)"
        ),
    ),
    "schedule step": (
        lambda: call(schedule=lambda o: LambdaLR(o, lambda k: -1.0 if k else 1.0)),
        ValueError,
        "LambdaLR set the learning rate [-0.001]; it must not be negative",
    ),
    "augment None": (
        lambda: call(augment=lambda x, g: None),
        TypeError,
        "augment returned None; expects the changed inputs, a tensor",
    ),
    "augment fewer": (
        lambda: call(augment=lambda x, g: x[1:]),
        ValueError,
        (
            "augment turned inputs of shape (7, 4) and type torch.float32 into (6, 4) and torch.float32; "
            "expects as many rows, of the same type"
        ),
    ),
    "augment double": (
        lambda: call(augment=lambda x, g: x.double()),
        ValueError,
        (
            "augment turned inputs of shape (7, 4) and type torch.float32 into (7, 4) and torch.float64; "
            "expects as many rows, of the same type"
        ),
    ),
    "optimizer LBFGS": (
        lambda: call(optimizer=torch.optim.LBFGS),
        ValueError,
        ("LBFGS computes the loss several times a step, from a function that fit does not have; try Adam or SGD"),
    ),
    "optimizer SparseAdam": (
        lambda: call(optimizer=torch.optim.SparseAdam),
        ValueError,
        "SparseAdam takes sparse gradients only, and that of 0.weight is dense: try Adam",
    ),
    "sparse gradient": (
        lambda: call(
            nn.Sequential(nn.Embedding(9, 5, sparse=True), nn.Flatten(), nn.Linear(20, 3)),
            (torch.ones(20, 4, dtype=torch.int64), LABELS),
        ),
        ValueError,
        "Adam takes no sparse gradient, and that of 0.weight is: try torch.optim.SGD",
    ),
    "optimizer lr str": (
        lambda: call(optimizer=0.1),
        TypeError,
        (
            "optimizer gave 0.1; pass an optimizer, or a function of the parameters that returns one, "
            "such as lambda parameters: SGD(parameters, lr=0.1)"
        ),
    ),
    "seed": (
        lambda: call(seed=2**63),
        ValueError,
        "seed must be below 2^63, not 9223372036854775808: try seed % 2**63",
    ),
    "seed float": (
        lambda: call(seed=1.0),
        TypeError,
        "seed must be a whole number, not 1.0",
    ),
    "resume": (
        lambda: call(resume="no"),
        TypeError,
        "resume must be True or False, not 'no'",
    ),
    "progress": (
        lambda: call(progress="yes"),
        TypeError,
        "progress must be None, True or False, not 'yes'",
    ),
    "last of one": (
        lambda: call(nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)), batch_size=19),
        ValueError,
        (
            "with 20 examples and batch_size=19 the last batch of an epoch of train holds one example, "
            "from which Sequential cannot learn: ...; try another batch_size, or leave an example out"
        ),
    ),
    "batches of one": (
        lambda: call(nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)), batch_size=1),
        ValueError,
        (
            "with 20 examples and batch_size=1 the last batch of an epoch of train holds one example, "
            "from which Sequential cannot learn: ...; try another batch_size, or leave an example out"
        ),
    ),
    "validation nan": (
        lambda: call(nn.Linear(4, 3), (INPUTS, INPUTS[:, :3]), validation=(INPUTS, nan_at(INPUTS[:, :3]))),
        ValueError,
        "the targets of validation hold values that are not finite; remove these examples first",
    ),
    "validation diverges": (
        lambda: call(nn.Linear(4, 3), (INPUTS, INPUTS[:, :3]), validation=(INPUTS * 1e30, INPUTS[:, :3])),
        DivergenceError,
        (
            "the validation loss is inf at step 3, with learning rate 0.001. That on the training data is"
            " finite: look at the inputs, the targets and the ignored labels of the validation data, and "
            "at the running statistics of the model. The model has its weights of step 0 back."
        ),
    ),
    "float16": (
        lambda: call(
            nn.Linear(4, 3).half(), (INPUTS.half(), LABELS), optimizer=lambda p: torch.optim.SGD(p, lr=6e4), epochs=9
        ),
        DivergenceError,
        (
            "the loss is nan at step 2, with learning rate 60000. The weights are of type float16, in "
            'which 65504 is the largest number: train model.float(), with precision="bfloat16" where half'
            " the memory is wanted. The model has its weights of step 0 back."
        ),
    ),
    "nan targets of a dataset": (
        lambda: call(train=Items(*[(x + 1, torch.full((3,), torch.nan))] * 9), loss=nn.MSELoss()),
        DivergenceError,
        (
            "the loss is nan at step 1, with learning rate 0.001. The targets of its batch hold values "
            "that are not finite: look at the data, or at augment. The model has its weights of step 0 "
            "back."
        ),
    ),
    "augment nan": (
        lambda: call(augment=lambda x, g: x * torch.nan),
        DivergenceError,
        (
            "the loss is nan at step 1, with learning rate 0.001. The inputs of its batch hold values "
            "that are not finite: look at the data, or at augment. The model has its weights of step 0 "
            "back."
        ),
    ),
    "nan loss at step 1": (
        lambda: call(loss=lambda o, t: o.sum() * torch.nan),
        DivergenceError,
        (
            "the loss is nan at step 1, with learning rate 0.001. No update had been made, so that the "
            "learning rate is not the cause: look at the inputs, the targets, ignored labels, class "
            "weights and the initial weights. The model has its weights of step 0 back."
        ),
    ),
    "rate too high": (
        lambda: call(optimizer=lambda p: torch.optim.SGD(p, lr=1e30), epochs=9),
        DivergenceError,
        (
            "the loss is nan at step 2, with learning rate 1e+30. The largest gradient so far was ..., "
            "in .... Try a learning rate ten times smaller (1e+29), a schedule that starts low, or "
            "inputs scaled to about [0, 1]. The model has its weights of step 0 back."
        ),
    ),
    "whole epoch ignored": (
        lambda: call(train=Items(*[(x, -100)] * 9)),
        ValueError,
        "the labels of epoch 1 are all ignored: its loss is the mean of nothing",
    ),
    "batch_size 0": (
        lambda: call(batch_size=0),
        ValueError,
        "batch_size must be 1 or more, not 0",
    ),
    "batch_size 2.5": (
        lambda: call(batch_size=2.5),
        TypeError,
        "batch_size must be a whole number, not 2.5",
    ),
    "batch_size True": (
        lambda: call(batch_size=True),
        TypeError,
        "batch_size must be a whole number, not True",
    ),
    "epochs -1": (
        lambda: call(epochs=-1),
        ValueError,
        "epochs must be 0 or more, not -1",
    ),
    "epochs str": (
        lambda: call(epochs="3"),
        TypeError,
        "epochs must be a whole number, not '3'",
    ),
    "seed None": (
        lambda: call(seed=None),
        TypeError,
        "seed must be a whole number, not None",
    ),
    "device not there": (
        lambda: call(device="cuda:99"),
        ValueError,
        "device 'cuda:99' is not there; this machine has ... \"auto\" takes the first",
    ),
    "device cpu:1": (
        lambda: call(device="cpu:1"),
        ValueError,
        "device 'cpu:1' is not there; this machine has ... \"auto\" takes the first",
    ),
    "precision": (
        lambda: call(precision="float8"),
        ValueError,
        "precision must be one of float32, bfloat16, not 'float8'",
    ),
    "capture": (
        lambda: call(capture="always"),
        ValueError,
        "capture must be \"auto\", True or False, not 'always'",
    ),
    "capture on a CPU": (
        lambda: call(capture=True),
        ValueError,
        'capture=True is not possible: cpu has no CUDA graphs; use capture="auto"',
    ),
    "checkpoint_every alone": (
        lambda: call(checkpoint_every=3),
        ValueError,
        "checkpoint_every needs a folder to write to: pass checkpoint=... too",
    ),
    "checkpoint_every 0": (
        lambda: call(checkpoint="somewhere", checkpoint_every=0),
        ValueError,
        "checkpoint_every must be 1 or more, not 0",
    ),
    "optimizer str": (
        lambda: call(optimizer="adam"),
        TypeError,
        (
            "optimizer gave 'adam'; pass an optimizer, or a function of the parameters that returns one, "
            "such as lambda parameters: SGD(parameters, lr=0.1)"
        ),
    ),
    "optimizer gives None": (
        lambda: call(optimizer=lambda parameters: None),
        TypeError,
        (
            "optimizer gave None; pass an optimizer, or a function of the parameters that returns one, "
            "such as lambda parameters: SGD(parameters, lr=0.1)"
        ),
    ),
    "optimizer of another model": (
        lambda: call(optimizer=torch.optim.SGD(nn.Linear(1, 1).parameters())),
        ValueError,
        "the optimizer holds no parameter of this model; build it from model.parameters()",
    ),
    "schedule number": (
        lambda: call(schedule=0.5),
        TypeError,
        "schedule must be a function of the progress, not 0.5",
    ),
    "augment str": (
        lambda: call(augment="flip"),
        TypeError,
        "augment must be a function of (inputs, generator), not 'flip'",
    ),
    "on_epoch str": (
        lambda: call(on_epoch="print"),
        TypeError,
        "on_epoch must be a function of an epoch, not 'print'",
    ),
    "nothing to train": (
        lambda: call(net().requires_grad_(False)),
        ValueError,
        "every parameter of Sequential has requires_grad=False: there is nothing to train",
    ),
    "evaluate batch_size": (
        lambda: evaluate(net(), (INPUTS, LABELS), batch_size=0),
        ValueError,
        "batch_size must be 1 or more, not 0",
    ),
}
"""What was done, the kind of error, and its whole sentence; "..." stands for what torch says in its own words."""


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name: str) -> None:
    bad_call, kind, sentence = MESSAGES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what torch thinks about sparse tensors and half precision
        with pytest.raises(kind) as caught:
            bad_call()
    assert type(caught.value) is kind
    pattern = ".*".join(re.escape(part) for part in sentence.split("..."))
    assert re.fullmatch(pattern, str(caught.value), re.DOTALL), str(caught.value)
