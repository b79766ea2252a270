from datetime import date

import pytest

from glassbox import datasets, training
from glassbox.datasets import Recording, recorded
from glassbox.datasets._recordings import RECORDINGS

NAMES = sorted(path.name.removesuffix(".json") for path in RECORDINGS.iterdir() if path.name.endswith(".json"))


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_says_where_when_and_how_it_was_made(name):
    run = recorded(name)
    assert run.rows
    assert run.what.endswith(".")
    assert date.fromisoformat(run.made_with["date"]).year >= 2026
    assert run.made_with["command"].startswith("python -m benchmarks.studies ")
    assert run.made_with["machine"] in str(run)
    assert run.made_with["date"] in str(run)


def test_a_recording_becomes_a_table_by_its_first_column():
    frame = recorded("batch_accuracy").to_frame()
    assert frame.index.name == "batch size"
    assert frame.columns.tolist() == ["learning rate", "accuracy"]
    assert frame["accuracy"].between(0, 1).all()


def test_the_label_counts_threads():
    made_with = {"machine": "abacus", "date": "2026-11-24"}
    assert str(Recording("x", "", made_with | {"threads": 1}, [])) == "abacus, 1 thread, 2026-11-24"
    assert str(Recording("x", "", made_with | {"threads": 2}, [])) == "abacus, 2 threads, 2026-11-24"


def test_an_unknown_recording_is_named_with_those_there_are():
    with pytest.raises(ValueError, match=r"no recording named 'batch_tim'; there are batch_accuracy, batch_time"):
        recorded("batch_tim")


@pytest.mark.parametrize("name", ["Recording", "recorded"])
def test_the_old_name_works_and_says_the_new_one(name):
    with pytest.warns(DeprecationWarning, match=f"is glassbox.datasets.{name} now"):
        old = getattr(training, name)
    assert old is getattr(datasets, name)
