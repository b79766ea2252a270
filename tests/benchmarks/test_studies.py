import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from benchmarks import faces, same_sum, studies

from glassbox.datasets import LabelledImages, Recording, recorded
from glassbox.training import DivergenceError


def digits(n=80, standin=False):
    images = torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    names = tuple("0123456789")
    return LabelledImages(images, torch.arange(n) % 10, source="noise", class_names=names, is_standin=standin)


def test_small_batches_are_extrapolated_from_some_steps(monkeypatch):
    monkeypatch.setattr(studies, "STEPS", 5)
    seen = []

    def learn(data, batch_size, *, learning_rate):
        seen.append((len(data), batch_size))
        return None, len(data) / 100

    monkeypatch.setattr(studies, "_learn", learn)
    rows = list(studies.batch_time(digits(), sizes=(2, 40)))
    assert rows == [
        {"batch size": 2, "seconds per epoch": 0.8, "extrapolated": True},
        {"batch size": 40, "seconds per epoch": 0.8, "extrapolated": False},
    ]
    assert set(seen) == {(10, 2), (80, 40)}


def test_each_size_gets_its_best_rate_and_small_ones_try_fewer(monkeypatch):
    learning, choosing, data, test = digits(60), digits(20), digits(80), digits(30)
    monkeypatch.setattr(studies, "held_out", lambda: (learning, choosing))
    monkeypatch.setattr(studies, "mnist", lambda split: test)
    good, tried = {70: 0.03, 50: 0.03, 10: 0.03, 1: 0.01}, {}

    def score(sample, size, rate, judges):
        if judges is test:
            assert sample is data
            return rate
        assert judges is choosing
        assert len(sample) == (6 if size < 32 else 60)
        tried.setdefault(size, []).append(rate)
        return float(rate in (good[size], 0.001))

    monkeypatch.setattr(studies, "_score", score)
    rows = list(studies.batch_accuracy(data, sizes=(1, 10, 50, 70)))
    assert [(row["batch size"], row["learning rate"], row["accuracy"]) for row in rows] == [
        (size, rate, rate) for size, rate in good.items()
    ]
    assert tried == {70: [*studies.LEARNING_RATES], 50: [*studies.LEARNING_RATES], 10: [0.01, 0.03], 1: [0.01, 0.03]}


def test_a_step_is_timed_by_the_command_in_each_way(monkeypatch):
    started = []

    def run(command, *, env, **options):
        started.append((command[1:5], env["OMP_NUM_THREADS"]))
        log = next(option.removeprefix("--log-file=") for option in command if option.startswith("--log-file="))
        rows = [{"epoch": 1, "seconds": 0.5}, {"epoch": 2, "seconds": 0.3}, {"test_accuracy": 0.9}]
        Path(log).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    monkeypatch.setattr(studies.subprocess, "run", run)
    (row,) = studies.step_time(digits(80), sizes=(30,))
    # 80 images in batches of 30 are three steps.
    assert row == {"images in a batch": 30, "one thread": 100, "two threads": 100, "two processes": 100}
    alone, two = ["-m", "glassbox", "train", "--device=cpu"], ["-m", "torch.distributed.run", "--standalone"]
    assert started == [(alone, "1"), (alone, "2"), ([*two, "--nproc-per-node=2"], "1")]


def test_a_run_that_diverges_scores_nothing(monkeypatch):
    def diverge(*arguments, **options):
        raise DivergenceError("inf", step=1, learning_rate=1.0, gradient=None, kept_from=0, cause="")

    monkeypatch.setattr(studies, "_learn", diverge)
    assert studies._score(digits(), 10, 1.0, digits()) == 0.0


def test_a_score_is_the_same_twice_and_leaves_the_random_state():
    state = torch.get_rng_state()
    first, again = (studies._score(digits(), 8, 0.01, digits()) for _ in range(2))
    assert first == again
    assert torch.equal(torch.get_rng_state(), state)


def test_the_command_writes_what_recorded_reads(monkeypatch, tmp_path, capsys):
    def count(data):
        """Count the images."""
        yield {"images": len(data), "seconds": 1.0}

    threads = torch.get_num_threads()
    monkeypatch.setattr(studies, "mnist", lambda split: digits(30))
    monkeypatch.setitem(studies.STUDIES, "count", count)
    studies.main(["count", "--threads", str(threads), "--save", str(tmp_path / "new")])
    assert capsys.readouterr().out == "images 30, seconds 1.0\n"
    run = Recording("count", **json.loads((tmp_path / "new" / "count.json").read_text(encoding="utf-8")))
    assert run.what == "Count the images."
    assert run.made_with["command"] == "python -m benchmarks.studies count"
    assert run.to_frame().loc[30, "seconds"] == 1.0


def test_the_command_needs_mnist(monkeypatch, capsys):
    monkeypatch.setattr(studies, "mnist", lambda split: digits(30, standin=True))
    with pytest.raises(SystemExit) as error:
        studies.main(["batch_time", "--threads", str(torch.get_num_threads())])
    assert error.value.code == 1
    assert "glassbox data" in capsys.readouterr().err


def test_what_ships_was_made_by_a_study_there_is():
    frame = recorded("batch_accuracy").to_frame()
    assert sorted(frame.index) == list(studies.BATCH_SIZES)
    assert set(frame["learning rate"]) <= set(studies.LEARNING_RATES)


def test_networks_are_compared_at_their_best_rates_from_three_starts_on_images_held_out(monkeypatch):
    learning, choosing = digits(60), digits(20)
    monkeypatch.setattr(studies, "held_out", lambda: (learning, choosing))
    trained = []

    def train(recipe, data, *, seed, progress):
        rate = recipe.optimizer.keywords["lr"]
        trained.append((data is learning, recipe.epochs, rate, seed))
        return (rate, seed), None

    def evaluate(model, judges, *, device):
        assert judges is choosing
        rate, seed = model
        return SimpleNamespace(accuracy=(0.9 if rate == 0.01 else 0.8) + seed / 1000)

    monkeypatch.setattr(studies.RECIPES["fast_digits"].__class__, "train", train)
    monkeypatch.setattr(studies, "evaluate", evaluate)
    rows = list(studies.network_accuracy(digits()))
    found = {"learning rate": 0.01, "seed 0": 0.9, "seed 1": 0.901, "seed 2": 0.902}
    assert [row["network"] for row in rows] == list(studies.NETWORKS)
    assert all(row.items() >= found.items() for row in rows)
    assert rows[0]["parameters"] == 4640
    rates = [*studies.NETWORK_RATES, 0.01, 0.01]
    assert trained == [(True, 3, *pair) for pair in zip(rates, [0, 0, 0, 0, 1, 2], strict=True)] * len(rows)
    assert list(recorded("network_accuracy").to_frame().index) == list(studies.NETWORKS)


def test_three_ways_of_a_convolution_agree_and_are_timed_in_turns(monkeypatch):
    images = torch.rand(2, 3, 28, 28, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(3, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    made = {name: convolve(images, weight, None) for name, convolve in studies._ways(images, weight).items()}
    gradients = [torch.autograd.grad(output.square().sum(), (images, weight)) for output in made.values()]
    for found in gradients[1:]:
        torch.testing.assert_close(found, gradients[0])
    turns = []

    def seconds(step, calls, *, clock=None):
        turns.append(step)
        return 0.001 * (1 + len(turns) % 3)

    monkeypatch.setattr(studies, "seconds", seconds)
    (row,) = studies.convolution_ways(digits(), channels=(3,))
    assert row == {"channels": 3, "columns": 2.0, "rows": 3.0, "torch": 1.0}
    assert turns[:3] == turns[3:6] == turns[6:9]


def test_the_ways_that_are_timed_are_those_of_the_page_and_all_give_the_same():
    ways = same_sum.ways_of_the_page()
    assert list(ways) == ["six_loops", "over_taps", "columns", "rows"]
    x, weight, bias = torch.rand(2, 5, 6), torch.rand(3, 2, 3, 2), torch.rand(3)
    for way in ways.values():
        torch.testing.assert_close(way(x, weight, bias), torch.conv2d(x, weight, bias))


def test_calls_are_counted_once_for_each_way(monkeypatch):
    monkeypatch.setattr(same_sum, "seconds", lambda step, calls, *, clock=None: 0.25)
    rows = {row["way"]: row for row in same_sum.same_sum(digits())}
    assert rows["torch"]["calls"] < rows["columns"]["calls"] < rows["over taps"]["calls"] < rows["six loops"]["calls"]
    assert {row["microseconds"] for row in rows.values()} == {250_000.0}


def test_faces_as_found_have_rare_hats_and_glasses_with_a_smile():
    pool = faces.faces("train", faces.QUESTIONS, n=3200, size=8)
    chosen = faces.as_found(pool, 500, seed=3)
    glasses, smile, hat = chosen.labels[:, :3].T
    assert len(chosen) == 500
    assert 0.02 < hat.mean() < 0.09
    assert (glasses == smile).double().mean() > 0.92
    assert chosen.labels[:, 3].mean() == pytest.approx(0.5, abs=0.08)


def test_a_gap_at_the_mouth_is_that_of_the_smile():
    class Mouth(torch.nn.Module):
        def forward(self, images):
            return images[:, 0, 20:28, 10:22].mean(dim=(1, 2))[:, None]

    images = torch.cat([torch.ones(2, 3, 32, 32), torch.zeros(3, 3, 32, 32)])
    smile = torch.tensor([True, True, False, False, False])
    assert faces.mouth_gap(Mouth(), images, smile, 0) == 1.0
    assert faces.mouth_gap(Mouth(), torch.zeros_like(images), smile, 0) == 0.0


def test_each_start_is_measured_after_each_way_of_learning(monkeypatch):
    learned = []

    def learn(build, data, rate, epochs, seed):
        learned.append((rate, epochs, seed, round(data.labels[:, 2].mean().item(), 1)))
        return build().eval()

    monkeypatch.setattr(faces, "_learn", learn)
    rows = list(faces.faces_starts(digits(), seeds=(7,), n=64))
    assert [(row["learned"], row["seed"]) for row in rows] == [
        ("linear", 7),
        ("dense", 7),
        ("balanced", 7),
        ("as found", 7),
    ]
    assert [setting[:3] for setting in learned] == [(0.003, 40, 7), (0.001, 20, 7), (0.01, 6, 7), (0.01, 6, 7)]
    assert learned[2][3] == 0.5
    assert learned[3][3] <= 0.2


def test_what_ships_of_faces_and_of_the_same_sum_has_every_row():
    frame = recorded("faces_starts").to_frame()
    assert frame.groupby(level=0)["seed"].apply(list).map(sorted).tolist() == [list(range(8))] * 4
    assert set(faces.QUESTIONS) < set(frame)
    ways = [name.replace("_", " ") for name in same_sum.ways_of_the_page()]
    assert recorded("same_sum").to_frame().index.tolist() == [*ways, "torch"]
