"""What a run is asked for, checked."""

from __future__ import annotations

from pathlib import Path

PRECISIONS = ("float32", "bfloat16")


def check_number(name: str, value: object, least: int) -> None:
    """Raise unless a setting is a whole number that is large enough."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if value < least:
        raise ValueError(f"{name} must be {least} or more, not {value}")


def check_functions(**functions: object) -> None:
    """Raise unless every argument is None or can be called."""
    takes = {"loss": "(outputs, targets)", "schedule": "the progress", "augment": "(inputs, generator)"}
    for name, function in functions.items():
        if function is not None and not callable(function):
            raise TypeError(f"{name} must be a function of {takes.get(name, 'an epoch')}, not {function!r}")


def check_folder(checkpoint: object) -> None:
    """Raise unless this can name a folder for checkpoints, or is None."""
    if checkpoint is None:
        return
    if not isinstance(checkpoint, str | Path):
        raise TypeError(f"checkpoint must be the path of a folder, not {checkpoint!r}")
    name = str(checkpoint)
    if not name.strip():
        raise ValueError(f"checkpoint is {name!r}, which would be the working directory: name a folder")
    if "\0" in name:
        raise ValueError(f"checkpoint={name!r} is no name for a folder")
    if Path(checkpoint).is_file():
        raise ValueError(f"checkpoint={name!r} is a file, not a folder; name a folder for the checkpoints")


def check_settings(
    *, epochs: int, batch_size: int, seed: int, precision: str, capture: object, checkpoint: object, every: int | None
) -> None:
    """Raise if a setting of `fit` that has nothing to do with the data is out of range."""
    check_number("epochs", epochs, 0)
    check_number("batch_size", batch_size, 1)
    check_number("seed", seed, 0)
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")
    if capture not in ("auto", True, False):
        raise ValueError(f'capture must be "auto", True or False, not {capture!r}')
    check_folder(checkpoint)
    if every is not None:
        check_number("checkpoint_every", every, 1)
        if checkpoint is None:
            raise ValueError("checkpoint_every needs a folder to write to: pass checkpoint=... too")
