import json
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from glassbox import _readiness, cli, datasets, training
from glassbox.cli import app
from glassbox.datasets import LabelledImages
from glassbox.models import SmallCNN
from glassbox.models.pretrained import shipped_weights

run = CliRunner().invoke


@pytest.fixture
def noise(monkeypatch):
    """Sixty images of noise in place of MNIST."""
    images = torch.rand(60, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    data = LabelledImages(images, torch.arange(60) % 10, source="noise", class_names=tuple("0123456789"))
    monkeypatch.setattr(datasets, "mnist", lambda split: data if split == "train" else data[:20])
    return data


def test_training_reports_every_epoch_logs_and_saves(noise, tmp_path):
    from safetensors.torch import load_file

    log, weights = tmp_path / "logs" / "run.jsonl", tmp_path / "weights" / "small.safetensors"
    done = run(app, ["train", "--epochs", "2", "--device", "cpu", "--log-file", str(log), "--save", str(weights)])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[0] == "small_cnn on noise: 60 images"
    assert "epoch 2: loss " in done.output
    assert "on 20 images" in done.output
    first, second, last = map(json.loads, log.read_text().splitlines())
    assert (first["epoch"], second["epoch"], second["steps"]) == (1, 2, 4)
    assert 0 <= last["test_accuracy"] <= 1
    SmallCNN().load_state_dict(load_file(weights))


def test_it_learns_from_the_first_images_only(noise, tmp_path):
    log = tmp_path / "log"
    options = ["--images", "20", "--batch-size", "5", "--epochs", "1", "--device", "cpu", "--log-file", str(log)]
    done = run(app, ["train", *options])
    assert done.output.splitlines()[0] == "small_cnn on noise: 20 images"
    assert json.loads(log.read_text().splitlines()[0])["steps"] == 4


def test_a_run_that_goes_on_goes_on_in_its_log(noise, tmp_path):
    arguments = ["train", "--device", "cpu", "--checkpoint", str(tmp_path / "run"), "--log-file", str(tmp_path / "log")]
    assert run(app, [*arguments, "--epochs", "1"]).exit_code == 0
    assert run(app, [*arguments, "--epochs", "3"]).exit_code == 0
    rows = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [row.get("epoch") for row in rows] == [1, None, 2, 3, None]
    assert run(app, [*arguments, "--epochs", "1", "--no-resume"]).exit_code == 0
    assert len((tmp_path / "log").read_text().splitlines()) == 2


def test_the_same_seed_gives_the_same_weights(noise, tmp_path):
    written = []
    for seed in ("1", "1", "2"):
        path = tmp_path / "weights.safetensors"
        assert (
            run(app, ["train", "--epochs", "1", "--device", "cpu", "--seed", seed, "--save", str(path)]).exit_code == 0
        )
        written.append(path.read_bytes())
    assert written[0] == written[1] != written[2]


def test_the_seed_gives_the_initial_weights(noise):
    first, other = (cli._build(cli.ModelName.small_cnn, noise, seed).fc2.weight for seed in (0, 7))
    torch.manual_seed(7)
    assert torch.equal(other, SmallCNN().fc2.weight)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("model", list(cli.ModelName))
def test_every_model_trains_on_digits(noise, model):
    done = run(app, ["train", "--model", model, "--epochs", "1", "--device", "cpu"])
    assert done.exit_code == 0, done.output


def test_a_model_that_does_not_fit_the_data_is_refused(monkeypatch):
    faces = LabelledImages(torch.rand(8, 3, 32, 32), torch.ones(8, 2), source="faces", class_names=("glasses", "smile"))
    monkeypatch.setattr(datasets, "faces", lambda split: faces, raising=False)
    refused = run(app, ["train", "--data", "faces"])
    assert refused.exit_code == 1
    assert "reads gray images of 28 x 28 with ten classes, not 3 x 32 x 32 with 2 answers" in refused.stderr
    done = run(app, ["train", "--data", "faces", "--model", "small_vgg", "--epochs", "1", "--device", "cpu"])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["--epochs", "0"],
        ["--batch-size", "0"],
        ["--model", "resnet"],
        ["--depth", "3"],
        ["--seed", "-1"],
        ["--seed", str(2**63)],
    ],
)
def test_a_wrong_option_ends_with_2(arguments):
    done = run(app, ["train", *arguments])
    assert done.exit_code == 2
    assert "Usage" in done.stderr


@pytest.mark.parametrize(
    ("name", "kept", "code", "told"),
    [
        ("SIGINT", True, 130, "after 1 epochs: the same command goes on from "),
        ("SIGINT", False, 130, "after 1 epochs: nothing is left of it: --checkpoint FOLDER would have kept it"),
        ("SIGTERM", True, 75, "the same command goes on from "),
        ("SIGUSR1", True, 75, "the same command goes on from "),
        ("SIGTERM", False, 143, "nothing is left of it"),
    ],
)
def test_an_interrupted_run_saves_nothing_and_has_a_code_of_its_own(
    noise, monkeypatch, tmp_path, name, kept, code, told
):
    if not hasattr(signal, name):
        pytest.skip("this system has no such signal")
    number = getattr(signal, name)
    before = signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)
    fit, log, weights = training.fit, tmp_path / "log", tmp_path / "weights"

    def interrupted(*args, on_epoch, **options):
        def and_send(row):
            on_epoch(row)
            if row.epoch == 1:
                signal.raise_signal(number)

        return fit(*args, on_epoch=and_send, **options)

    monkeypatch.setattr(training, "fit", interrupted)
    arguments = ["train", "--epochs", "3", "--device", "cpu", "--log-file", str(log), "--save", str(weights)]
    arguments += ["--checkpoint", str(tmp_path / "run")] if kept else []
    try:
        done = run(app, arguments)
    finally:
        signal.signal(number, before)
    assert done.exit_code == code, done.output
    assert f"interrupted by {name} after " in done.stderr
    assert told in done.stderr
    assert not weights.exists()
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert all("test_loss" not in row for row in rows)
    if kept:
        monkeypatch.setattr(training, "fit", fit)
        assert run(app, arguments).exit_code == 0
        assert weights.exists()
        rows = [json.loads(line) for line in log.read_text().splitlines()]
        assert [row.get("epoch") for row in rows] == [1, 2, 3, None]


def test_rows_of_a_run_that_was_killed_appear_once(tmp_path):
    path = tmp_path / "log"
    path.write_text('notes of mine\n{"epoch": 1}\n{"test_loss": 1}\n{"epoch": 2}\n{"epoch": 3}\n')
    log = cli._Log(path, anew=False)
    log.write({"epoch": 2, "loss": 0.5})
    kept = ["notes of mine", '{"epoch": 1}', '{"test_loss": 1}', '{"epoch": 2, "loss": 0.5}']
    assert path.read_text().splitlines() == kept
    for _ in range(2):
        log.write({"test_loss": 0.5})
        assert path.read_text().splitlines() == [*kept, '{"test_loss": 0.5}']


def test_an_old_log_stays_until_there_is_a_row_of_the_new_run(noise, tmp_path):
    log = tmp_path / "log"
    log.write_text("of another run\n")
    assert run(app, ["train", "--device", "abacus", "--log-file", str(log)]).exit_code == 1
    assert log.read_text() == "of another run\n"
    assert run(app, ["train", "--device", "cpu", "--epochs", "1", "--log-file", str(log)]).exit_code == 0
    assert [json.loads(line).get("epoch") for line in log.read_text().splitlines()] == [1, None]


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs /dev/null")
def test_a_log_may_be_no_file(noise):
    arguments = ["train", "--device", "cpu", "--epochs", "1", "--log-file", "/dev/null", "--save", "/dev/null"]
    assert run(app, arguments).exit_code == 0
    assert not os.path.isfile("/dev/null")


def test_a_log_may_lie_beside_the_checkpoints(noise, tmp_path):
    folder = str(tmp_path / "run")
    arguments = ["train", "--device", "cpu", "--checkpoint", folder, "--log-file", f"{folder}/log.jsonl", "--epochs"]
    for epochs in ("1", "2"):
        done = run(app, [*arguments, epochs])
        assert done.exit_code == 0, done.output


NO_FOLDER = "(Not a directory)" if os.name == "posix" else "("  # Windows has several words for it
MISTAKES = [
    (["--save", "FOLDER"], "error: FOLDER: this is a folder; name a file in it"),
    (["--log-file", "FOLDER"], "error: FOLDER: this is a folder; name a file in it"),
    (["--save", "FOLDER/file/weights"], "error: FOLDER/file/weights: the folder that it would be in is a file"),
    (["--checkpoint", ""], "error: checkpoint is '', which would be the working directory: name a folder"),
    (
        ["--checkpoint", "FOLDER"],
        "error: --checkpoint 'FOLDER' is a folder with other files in it, such as 'file': name",
    ),
    (["--checkpoint", "FOLDER", "--no-resume"], "error: --checkpoint 'FOLDER' is a folder with other files in it"),
    (["--checkpoint", "FOLDER/file"], "error: --checkpoint 'FOLDER/file' is a file, not a folder; name a folder"),
    (["--checkpoint", "FOLDER/file/run"], f"error: --checkpoint 'FOLDER/file/run' cannot be written {NO_FOLDER}"),
    (["--device", "abacus"], "error: device 'abacus' is unknown"),
    (["--learning-rate", "-1"], "error: "),
    (["--learning-rate", "nan"], "error: "),
    (["--learning-rate", "1e30"], "error: "),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_a_mistake_is_one_line_and_costs_nothing(noise, tmp_path, arguments, message):
    (tmp_path / "file").write_text("precious")
    arguments = [argument.replace("FOLDER", str(tmp_path)) for argument in arguments]
    defaults = ["train", "--epochs", "1", *(["--device", "cpu"] if "--device" not in arguments else [])]
    done = run(app, [*defaults, *arguments])
    assert done.exit_code == 1, done.output
    assert done.stderr.startswith(message.replace("FOLDER", str(tmp_path)))
    assert done.stderr.count("\n") == 1
    assert "epoch 1" not in done.output
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "precious"


def test_other_settings_are_told_in_the_words_of_the_command(noise, tmp_path):
    arguments = ["train", "--device", "cpu", "--checkpoint", str(tmp_path / "run"), "--epochs"]
    assert run(app, [*arguments, "2"]).exit_code == 0
    fewer = run(app, [*arguments, "1"])
    made = f"the run in {tmp_path / 'run'} has made 2 epochs, more than --epochs 1"
    assert fewer.stderr == f"error: {made}: ask for 2 or more, or give this run a folder of its own\n"
    other = run(app, [*arguments, "2", "--seed", "3"])
    assert "seed: 0 in the checkpoint, 3 now" in other.stderr
    assert "resume=" not in fewer.output + other.output


def test_a_slip_of_ours_keeps_its_traceback(noise, monkeypatch):
    def slip(*args, **options):
        return len(None)

    monkeypatch.setattr(training, "fit", slip)
    done = run(app, ["train"])
    assert isinstance(done.exception, TypeError)


def test_only_the_first_of_several_processes_speaks_and_writes(noise, monkeypatch, tmp_path):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr("glassbox.training.fit", lambda model, train, **options: cli_history())
    log = tmp_path / "log.jsonl"
    done = run(app, ["train", "--log-file", str(log)])
    assert (done.exit_code, done.output) == (0, "")
    assert not log.exists()


def cli_history():
    from glassbox.training import History

    return History()


def test_torchrun_takes_none_of_the_options_for_its_own():
    from torch.distributed.run import get_args_parser

    options = [option for command in app.registered_commands for option in run_help(command)]
    parsed, _ = get_args_parser().parse_known_args(["-m", "glassbox", "train", *options])
    assert parsed.training_script_args == ["train", *options]


def run_help(command):
    """Return the long options of a command."""
    import re

    return re.findall(r"--[a-z-]+", run(app, [command.callback.__name__, "--help"]).output.split("Options:")[1])


@pytest.mark.slow
def test_two_processes_train_together(tmp_path):
    log = tmp_path / "log"
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = python(*launcher, "-m", "glassbox", "train", "--epochs", "1", "--device", "cpu", "--log-file", str(log))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("epoch 1: ") == 1
    assert len(log.read_text().splitlines()) == 2


def test_help_shows_examples():
    done = run(app, ["--help"])
    assert done.exit_code == 0
    assert all(command in done.output for command in ("train", "data", "info"))
    for command in ("train", "data", "info"):
        assert f"Examples:\n    glassbox {command}" in run(app, [command, "--help"]).output


def found(monkeypatch, *problems):
    from pathlib import Path

    files = [datasets.FoundFile("cache", Path("/cache") / f"file{i}", problem) for i, problem in enumerate(problems)]
    monkeypatch.setattr(datasets, "find_mnist", lambda: files)


def test_data_that_is_complete(monkeypatch):
    found(monkeypatch, "", "", "", "")
    done = run(app, ["data"])
    assert done.exit_code == 0
    assert done.output.count("as published") == 4
    assert "MNIST is read from" in done.output


def test_data_that_is_damaged_ends_with_1(monkeypatch):
    found(monkeypatch, "", "this file is truncated", "", "")
    done = run(app, ["data"])
    assert done.exit_code == 1
    assert "this file is truncated" in done.output
    assert "try glassbox data --download" in done.stderr


def test_a_download_that_fails_is_told(monkeypatch):
    def fail():
        raise ConnectionError("no address answered")

    monkeypatch.setattr(datasets, "fetch_mnist", fail)
    done = run(app, ["data", "--download"])
    assert (done.exit_code, done.stderr) == (1, "error: no address answered\n")


def test_info_names_versions_devices_data_and_weights(monkeypatch):
    found(monkeypatch, "", "", "", "missing")
    plain = run(app, ["info"])
    assert plain.exit_code == 0
    assert torch.__version__ in plain.output
    assert "MNIST, cache     not complete" in plain.output
    content = json.loads(run(app, ["info", "--json"]).output)
    assert list(content) == ["versions", "devices", "data", "weights"]
    assert list(content["weights"]) == shipped_weights()


def python(*arguments):
    environment = {**os.environ, "GLASSBOX_OFFLINE": "1", "GLASSBOX_DATA": ""}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_the_module_is_the_command():
    done = python("-m", "glassbox", "train", "--device", "abacus", "--epochs", "1")
    assert done.returncode == 1
    *notes, error = done.stderr.splitlines()
    assert all(note.startswith("note: MNIST is not at hand") for note in notes)  # none where the cache holds it
    assert error.startswith("error: device 'abacus'")


def test_importing_the_package_and_asking_for_help_does_not_import_torch():
    heavy = "{'torch', 'numpy', 'pandas', 'matplotlib', 'sklearn'} & set(sys.modules)"
    done = python("-c", f"import sys, glassbox, glassbox.cli; print({heavy})")
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_a_room_of_the_package_is_imported_when_it_is_used():
    done = python("-c", "import glassbox; glassbox.tracing.trace; print(glassbox.__version__, 'nn' in dir(glassbox))")
    assert done.stdout.split() == ["0.1.0", "True"]
    done = python("-c", "import glassbox; glassbox.nnn")
    assert "module 'glassbox' has no attribute 'nnn'; it holds datasets" in done.stderr


def test_the_shipped_network_is_explained(noise, tmp_path):
    done = run(app, ["explain", str(tmp_path / "new" / "page.html"), "--samples", "3", "--title", "A & B"])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "new" / "page.html").read_text(encoding="utf-8")
    assert done.output == f"page: {tmp_path / 'new' / 'page.html'}\n"
    assert "<h1>A &amp; B</h1>" in page
    assert '"labels":[0,1,2]' in page


def test_a_network_with_batch_normalization_is_explained(noise, tmp_path):
    done = run(app, ["explain", str(tmp_path / "page.html"), "--model", "digit_cnn"])
    assert done.exit_code == 0, done.output


def test_too_many_samples_are_told_in_options(noise, tmp_path, monkeypatch):
    monkeypatch.setattr("glassbox.explain._page.LIMIT", 5 * 784)
    refused = run(app, ["explain", str(tmp_path / "page.html")])
    assert refused.output == "error: 10 samples are too many for one page; try --samples 5\n"


@pytest.mark.parametrize("kept", ["--save", "--checkpoint"])
def test_a_trained_network_is_explained(noise, tmp_path, kept):
    weights, page = tmp_path / "weights", tmp_path / "page.html"
    arguments = ["train", "--model", "mlp", "--epochs", "1", "--device", "cpu", kept, str(weights)]
    assert run(app, arguments).exit_code == 0
    done = run(app, ["explain", str(page), "--model", "mlp", "--weights", str(weights)])
    assert done.exit_code == 0, done.output
    assert "mlp on noise, open" in page.read_text(encoding="utf-8")
    other = run(app, ["explain", str(page), "--weights", str(weights)])
    assert other.exit_code == 1
    assert (
        other.output
        == f"error: the weights in {weights} are not those of a small_cnn; name their network with --model\n"
    )


def test_mistakes_in_explaining_are_one_line(noise, tmp_path):
    (tmp_path / "weights").write_text("no weights")
    (tmp_path / "empty").mkdir()
    page = str(tmp_path / "page.html")
    mistakes = {
        "ships no weights of mlp: train it with glassbox train --model mlp": ["--model", "mlp"],
        "is no safetensors file": ["--weights", str(tmp_path / "weights")],
        "no checkpoint in": ["--weights", str(tmp_path / "empty")],
        "No such file": ["--weights", str(tmp_path / "none")],
    }
    for message, arguments in mistakes.items():
        refused = run(app, ["explain", page, *arguments])
        assert refused.exit_code == 1, message
        assert message in refused.output
        assert refused.output.startswith("error: ")
        assert refused.output.count("\n") == 1
    assert not (tmp_path / "page.html").exists()


def test_a_class_is_graded(tmp_path):
    handed_in = tmp_path / "class"
    handed_in.mkdir()
    (handed_in / "ada.ipynb").write_text(
        json.dumps(
            {
                "cells": [
                    {"cell_type": "code", "source": "from glassbox.exercises import check\ncheck('1.4-a', 'right')"}
                ]
            }
        )
    )
    done = run(app, ["grade", str(handed_in), "--csv", str(tmp_path / "grades.csv")])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[0] == "1.4-a  1 of 1 right"
    assert (tmp_path / "grades.csv").read_text().splitlines()[1] == "ada,ada,1.4-a,yes,,right."
    assert "students: 1, notebooks: 1, " in done.output
    nothing = run(app, ["grade", str(tmp_path / "nowhere")])
    assert nothing.exit_code == 1
    assert "expects a folder of notebooks" in nothing.output


def test_a_class_is_ready_when_everything_works(monkeypatch, noise):
    monkeypatch.setattr(_readiness, "_notebook", lambda: "Jupyter ran a cell")
    done = run(app, ["info", "--class"])
    assert done.exit_code == 0, done.output
    lines = [line.split()[:2] for line in done.output.splitlines()]
    assert lines[:-1] == [["ok", name] for name in ("Python", "package", "data", "figure", "notebook")]
    assert lines[-1] in (["ok", "grading"], ["--", "grading"])
    assert "20 test images of noise" in done.output


def test_what_a_class_lacks_is_told_and_the_rest_is_tried(monkeypatch, noise):
    def broken(split):
        raise OSError("the disk is gone")

    monkeypatch.setattr(datasets, "mnist", broken)
    monkeypatch.setattr(_readiness.importlib.util, "find_spec", lambda name: None)
    done = run(app, ["info", "--class"])
    assert done.exit_code == 1
    assert "NO  data      OSError: the disk is gone" in done.output
    assert "ok  figure" in done.output
    assert "NO  notebook  Jupyter is not installed: try python -m pip install jupyterlab" in done.output


def test_without_mnist_a_class_has_its_exercises_and_one_line_says_what_changes(monkeypatch, tmp_path, capfd):
    def no_connection(*_, **__):
        raise OSError("Temporary failure in name resolution")

    monkeypatch.delenv("GLASSBOX_DATA", raising=False)
    monkeypatch.delenv("GLASSBOX_OFFLINE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(datasets._mnist, "_download_failure", "")
    datasets._mnist._warn_once.cache_clear()
    monkeypatch.setattr("requests.Session.request", no_connection)
    monkeypatch.setattr("requests.get", no_connection)
    monkeypatch.setattr(_readiness, "_notebook", lambda: "Jupyter ran a cell")
    with warnings.catch_warnings(action="error"):
        done = run(app, ["info", "--class"])
    (line,) = [line for line in done.output.splitlines() if "MNIST" in line]
    assert line.startswith("--  data      no MNIST")
    assert "lessons 1.3, 1.4, 3.4 and 3.7 use scikit-learn's digits" in line
    assert "exercises need none" in line
    assert "set GLASSBOX_DATA" in line
    assert done.exit_code == 0, done.output
    assert capfd.readouterr() == ("", "")


def test_the_lessons_that_read_mnist_are_those_that_are_named():
    scripts = Path(__file__).parents[1].glob("gallery/part*/plot_*.py")
    reading = sorted(path.name for path in scripts if "datasets.mnist(" in path.read_text("utf-8"))
    assert [f"{name[5]}.{name[6]}" for name in reading] == list(_readiness.LESSONS_OF_MNIST)


def test_a_class_is_told_that_bubblewrap_is_not_there(monkeypatch, noise):
    monkeypatch.setattr(_readiness, "_notebook", lambda: "Jupyter ran a cell")
    monkeypatch.setattr("glassbox.exercises.grading.sandbox", list)
    done = run(app, ["info", "--class"])
    assert done.exit_code == 0
    assert "--  grading   Python alone keeps notebooks from files and network" in done.output


def test_a_jupyter_that_runs_no_cell_is_told(monkeypatch):
    failed = subprocess.CompletedProcess([], 1, stdout="", stderr="a trace\nNo such kernel named python3")
    monkeypatch.setattr(_readiness.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(_readiness.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(_readiness.Missing, match="No such kernel named python3"):
        _readiness._notebook()
