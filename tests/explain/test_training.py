"""The page that trains computes what `glassbox.training` computes: its draws, its losses, its weights."""

from __future__ import annotations

import json

import pytest
import torch

from glassbox import optim
from glassbox.datasets._standin import standin_digits
from glassbox.explain._bundle import JS, join
from glassbox.explain._describe import describe
from glassbox.models import SmallCNN
from glassbox.nn import CrossEntropyLoss
from glassbox.training import fit
from glassbox.training.batches import epoch_order
from tests.explain.node import HERE, node

PUBLIC = "Training, addGradient, decode, epochOrder, initialWeights, stepped, tensor"
EXAMPLES = 64
RUNS = {  # an epoch of 64 has 7 batches of 10, the last of them smaller
    "plain": (lambda parameters: optim.SGD(parameters, lr=0.1), 10),
    "momentum": (lambda parameters: optim.SGD(parameters, lr=0.02, momentum=0.9), 10),
    "adam": (lambda parameters: optim.Adam(parameters, lr=0.005), 10),
    "all at once": (lambda parameters: optim.Adam(parameters, lr=0.005), EXAMPLES),
}
STEPS = 50


def in_line(tensors):
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors]).tolist()


def drawn(seed):
    torch.manual_seed(seed)
    weights = in_line(parameter.double() for parameter in SmallCNN().parameters())
    order = [epoch_order(count, seed, epoch, torch.device("cpu")).tolist() for epoch, count in enumerate((5, 64, 2000))]
    return {"seed": seed, "weights": weights, "order": order}


def run(make, batch_size, digits, seed=4):
    """Train by `fit` in float64, noting the loss of every step."""
    torch.manual_seed(seed)
    model = SmallCNN().double()
    optimizer, losses = make(model.parameters()), []

    def loss(outputs, targets):
        value = CrossEntropyLoss()(outputs, targets)
        losses.append(value.item())
        return value

    epochs = -(-STEPS // -(-EXAMPLES // batch_size))
    history = fit(
        model,
        (digits.images.double(), digits.labels),
        loss=loss,
        task="classification",
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        device="cpu",
    )
    steps = history.epochs[-1].steps
    states = [optimizer.state[parameter] for parameter in model.parameters()]
    names = {"momentum_buffer": "m", "exp_avg": "m", "exp_avg_sq": "v"}
    memory = {short: in_line(state[name] for state in states) for name, short in names.items() if name in states[0]}
    return {"losses": losses[-steps:], "weights": in_line(model.parameters()), "memory": memory}


@pytest.fixture(scope="module")
def small_reference(reference):
    """Two of the runs, in which each planted error shows."""
    content = json.loads(reference.read_text("utf-8"))
    content["runs"] = [one for one in content["runs"] if one["settings"]["batchSize"] < EXAMPLES][1:]
    path = reference.with_name("small.json")
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    digits = standin_digits("train")[:EXAMPLES]
    with torch.random.fork_rng():
        content = {
            "network": describe(SmallCNN(), (1, 28, 28)),
            "examples": {"images": digits.images.flatten(1).double().tolist(), "labels": digits.labels.tolist()},
            "drawn": [drawn(seed) for seed in (0, 3, 2718, 999_999)],
            "runs": [],
        }
        for name, (make, batch_size) in RUNS.items():
            rule = "adam" if name == "all at once" else name
            rate = make([torch.zeros(1, requires_grad=True)]).defaults["lr"]
            settings = {"seed": 4, "batchSize": batch_size, "rule": rule, "rate": rate}
            content["runs"].append({"settings": settings, **run(make, batch_size, digits)})
    path = tmp_path_factory.mktemp("training") / "reference.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def run_tests(folder, reference, wrong=None):
    code = join(JS / "training.js")
    if wrong is not None:
        assert code.count(wrong[0]) == 1, f"{wrong[0]!r} must stand once"
        code = code.replace(*wrong)
    module = folder / "training.mjs"
    module.write_text(f"{code}\nexport {{ {PUBLIC} }};\n", encoding="utf-8")
    return node("--test", "--test-reporter=tap", HERE / "training.test.mjs", ENGINE=module, REFERENCE=reference)


def test_the_page_learns_what_fit_learns(tmp_path, reference):
    content = json.loads(reference.read_text("utf-8"))
    assert all(len(one["losses"]) >= STEPS for one in content["runs"])
    done = run_tests(tmp_path, reference)
    assert done.returncode == 0, done.stdout
    assert f"# pass {4 + 2 * len(RUNS) + 1}\n" in done.stdout


PLANTED = {
    "a twister that is tempered otherwise": ("(bits << 7)", "(bits << 8)"),
    "an order drawn from another seed": ("seed * 1_000_003 + epoch", "seed + epoch"),
    "weights as wide for every layer": ("1 / Math.sqrt(inputs)", "1 / 12"),
    "a sum of gradients in place of the mean": ("(total) => total / this.seen", "(total) => total"),
    "a last batch that is left out": ("(batch + 1) * batchSize)", "(batch + 1) * batchSize - 1)"),
    "a momentum that forgets": ("MOMENTUM * m + g", "g"),
    "a mean that is not put right": ("mean / (1 - BETA1 ** step)", "mean"),
    "a square that is the mean": ("(1 - BETA2) * g * g", "(1 - BETA2) * g"),
    "a count that starts late": ("[MOVE[rule], state.step + 1,", "[MOVE[rule], state.step + 2,"),
}


@pytest.mark.parametrize("wrong", PLANTED.values(), ids=PLANTED)
def test_a_planted_error_is_caught(tmp_path, small_reference, wrong):
    done = run_tests(tmp_path, small_reference, wrong)
    assert done.returncode == 1
    assert "\nnot ok" in done.stdout
