"""The trained weights that the package ships, and the card that says how each was made."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from torch.nn import Module

WEIGHTS = files("glassbox.models") / "weights"


def load_weights(model: Module, name: str) -> None:
    """Copy shipped weights into a model and set it to predict (``model.eval()``).

    Parameters
    ----------
    model : Module
        A network of the architecture that was trained.
    name : str
        The name of the recipe that trained it, for instance ``"small_cnn"``.
    """
    from safetensors.torch import load

    model.load_state_dict(load((WEIGHTS / f"{_known(name)}.safetensors").read_bytes()))
    model.eval()


def weights_card(name: str) -> dict[str, Any]:
    """Say how shipped weights were made and how well they do.

    Parameters
    ----------
    name : {"small_cnn", "digit_cnn"}
        Which weights.

    Returns
    -------
    dict
        The recipe, the seed, the versions, the checksums of the data and the accuracy in percent, on the training
        images held out and on the test images.

    Raises
    ------
    ValueError
        If the package ships no weights of that name.

    Examples
    --------
    >>> weights_card("small_cnn")["parameters"]
    4640
    """
    return json.loads((WEIGHTS / f"{_known(name)}.json").read_text(encoding="utf-8"))


def shipped_weights() -> list[str]:
    """Return the names of the weights that the package ships."""
    return sorted(path.name.removesuffix(".json") for path in WEIGHTS.iterdir() if path.name.endswith(".json"))


def _known(name: str) -> str:
    if name not in shipped_weights():
        raise ValueError(f"there are no shipped weights named {name!r}; there are {', '.join(shipped_weights())}")
    return name
