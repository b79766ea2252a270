"""A recorded run: what is kept of it, and what its page computes at each state."""

from __future__ import annotations

import copy
import json
import math
from itertools import pairwise

import pytest
import torch

from glassbox import explain, nn, optim
from glassbox.explain._bundle import JS, join
from glassbox.training import fit
from tests.explain.node import HERE, engine, node
from tests.explain.test_export import data_in, read_back


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(12, 1, 6, 6, generator=generator), torch.arange(12) % 3


@pytest.fixture
def model():
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))
    return nn.Sequential(*layers).double()


def recorded(model, data, epochs=3):
    """Record a run, and keep by other means what its states were."""
    recorder, copies = explain.Recorder(model), [copy.deepcopy(model)]

    def on_epoch(row):
        recorder(row)
        copies.append(copy.deepcopy(model))

    images, labels = data
    fit(model, (images.double(), labels), epochs=epochs, batch_size=5, device="cpu", on_epoch=on_epoch)
    return recorder, copies


def test_fit_has_each_epoch_kept_as_it_was(model, data):
    recorder, copies = recorded(model, data)
    assert len(recorder) == len(copies) == 4
    for (_, state), expected in zip(recorder, copies, strict=True):
        torch.testing.assert_close(state, dict(expected.state_dict()), rtol=0, atol=0)
    weights = [state["0.weight"] for _, state in recorder]
    assert not any(torch.equal(before, after) for before, after in pairwise(weights))


def test_a_state_is_named_by_what_the_history_knows(model, data):
    recorder = explain.Recorder(model)
    images, labels = data[0].double(), data[1]
    history = fit(
        model, (images, labels), epochs=2, batch_size=5, validation=(images, labels), on_epoch=recorder, device="cpu"
    )
    row = history[-1]
    assert [name.partition(":")[0] for name, _ in recorder] == ["start", "epoch 1, step 3", "epoch 2, step 6"]
    assert list(recorder)[-1][0].partition(": ")[2] == (
        f"loss {row.loss:.3f}, {100 * row.accuracy:.1f}% right, "
        f"validation loss {row.validation_loss:.3f}, {100 * row.validation_accuracy:.1f}% right"
    )


def test_numbers_as_answers_are_neither_right_nor_wrong(data):
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 1))
    recorder = explain.Recorder(model)
    fit(model, (data[0], torch.rand(12, 1) + 2), epochs=1, on_epoch=recorder, device="cpu")
    assert "right" not in list(recorder)[-1][0]
    assert "loss" in list(recorder)[-1][0]


def test_a_hook_of_the_optimizer_keeps_the_steps_of_fit(data):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    recorder = explain.Recorder(model)
    optimizer.register_step_post_hook(recorder)
    fit(model, data, optimizer=optimizer, epochs=2, batch_size=4, device="cpu", capture=False)
    assert [name for name, _ in recorder] == ["start", *(f"step {step}" for step in range(1, 7))]


@pytest.mark.parametrize("steps", [32, 33, 100, 1001])
def test_long_runs_are_thinned_as_the_page_thins_its_own(steps, tmp_path):
    film = tmp_path / "film.mjs"
    film.write_text(
        f"{join(JS / 'film.js')}\nconst film = new Film();\n"
        f"for (let step = 0; step <= {steps}; step += 1) film.take({{ step }});\n"
        "console.log(JSON.stringify(film.frames.map(({ step }) => step)));\n",
        encoding="utf-8",
    )
    kept = json.loads(node(film).stdout)
    recorder = explain.Recorder(nn.Linear(1, 1))
    for _ in range(steps):
        recorder()
    expected = ["start", *(f"step {step}" for step in kept[1:])]
    expected += [] if kept[-1] == steps else [f"step {steps}"]
    assert [name for name, _ in recorder] == expected
    assert len(recorder) == len(expected)


def test_the_page_holds_every_state(model, data, tmp_path):
    recorder, copies = recorded(model, data)
    page = explain.export(recorder, data[0], tmp_path / "run.html", labels=data[1]).read_text(encoding="utf-8")
    count = sum(parameter.numel() for parameter in model.parameters())
    assert f"6 layers, {count} weights, 4 states of its training, 12 samples." in page
    found = data_in(page)
    assert [each["name"].partition(":")[0] for each in found["film"]] == [
        "start",
        *(f"epoch {k}, step {3 * k}" for k in (1, 2, 3)),
    ]
    for each, expected in zip(found["film"], copies, strict=True):
        convolution, norm, *_, dense = each["layers"]
        assert read_back(convolution["weight"]) == expected[0].weight.flatten().tolist()
        assert read_back(norm["runningMean"]) == expected[1].running_mean.tolist()
        assert read_back(norm["runningVar"]) == expected[1].running_var.tolist()
        assert read_back(dense["bias"]) == expected[5].bias.tolist()
    (network,) = found["networks"]
    assert network["layers"][0]["weight"] == found["film"][-1]["layers"][0]["weight"]


def test_a_frame_of_a_notebook_plays_a_run_too(model, data):
    recorder, _ = recorded(model, data, epochs=1)
    assert '"film":[{"name":"start"' in explain.show(recorder, data[0]).page


def check_states(model, data, folder, **wrong):
    """Compare what the engine makes of each state with autograd in float64."""
    recorder, copies = recorded(model, data)
    image, label = data[0][4], int(data[1][4])
    found = data_in(explain.export(recorder, data[0], folder / "run.html").read_text(encoding="utf-8"))
    expected = []
    for each in copies:
        scores = each.eval()(image[None].double())
        loss = torch.nn.functional.cross_entropy(scores, torch.tensor([label]))
        weight = torch.autograd.grad(loss, each[0].weight)[0]
        expected.append({"scores": scores[0].tolist(), "loss": loss.item(), "weight": weight.flatten().tolist()})
    reference = {
        "network": found["networks"][0],
        "film": found["film"],
        "image": image.flatten().tolist(),
        "label": label,
    }
    path = folder / "reference.json"
    path.write_text(json.dumps(reference | {"expected": expected}), encoding="utf-8")
    return node("--test", HERE / "recorder.test.mjs", ENGINE=engine(folder, **wrong).as_uri(), REFERENCE=path)


def test_each_state_computes_as_torch_does(model, data, tmp_path):
    done = check_states(model, data, tmp_path)
    assert done.returncode == 0, done.stdout


def test_a_state_that_keeps_another_statistic_is_caught(model, data, tmp_path):
    kept = "return [name, numbers && decodeTensor(numbers)]"
    wrong = (kept, f"return name === 'runningMean' ? ['nothing', null] : {kept.removeprefix('return ')}")
    done = check_states(model, data, tmp_path, wrong=wrong)
    assert done.returncode != 0
    assert "score" in done.stdout


def test_what_is_no_network_is_refused():
    with pytest.raises(TypeError, match=r"Recorder expects a network, got list: try Recorder\(model\)"):
        explain.Recorder([nn.Linear(2, 2)])


def test_two_recorded_runs_are_not_compared(data):
    recorder = explain.Recorder(nn.Sequential(nn.Flatten(), nn.Linear(36, 3)))
    with pytest.raises(TypeError, match="Adam: a comparison expects networks, got a Recorder: try one page for each"):
        explain.show({"Adam": recorder}, data[0])


def test_a_state_that_diverged_is_named(data):
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    recorder = explain.Recorder(model)
    recorder()
    with torch.no_grad():
        model[1].weight[0, 0] = math.inf
    recorder()
    with pytest.raises(ValueError, match=r"step 2: 1\.weight holds a number that is not finite"):
        explain.show(recorder, data[0])


def test_too_many_states_are_counted(data):
    recorder = explain.Recorder(nn.Sequential(nn.Flatten(), nn.Linear(36, 900)))
    for _ in range(30):
        recorder()
    with pytest.raises(ValueError, match=r"has 31 states of 33,300 weights, a page holds 1,000,000 together: try to"):
        explain.show(recorder, data[0])
