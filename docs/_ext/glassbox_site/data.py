"""The data of this build: found once, told on every page when it is the stand-in, and printed at the end."""

from __future__ import annotations

import os
from dataclasses import dataclass

from sphinx.application import Sphinx
from sphinx.config import Config

BANNER = (
    "This copy of the site was built on {source}. Accuracies and figures of digits differ from those of the full site."
)


@dataclass(frozen=True)
class DataOfBuild:
    """Where the digits came from."""

    source: str
    is_standin: bool


def find_data() -> DataOfBuild:
    """Load the test digits as a lesson does, and say what they are."""
    from glassbox.datasets import mnist

    images = mnist("test")
    return DataOfBuild(images.source, images.is_standin)


def _config_inited(app: Sphinx, config: Config) -> None:
    found = find_data()
    app.data_of_build = found
    config.html_context["data_of_build"] = found.source
    if found.is_standin:
        config.html_theme_options["announcement"] = BANNER.format(source=found.source)
        # The banner says it. Lessons and notebooks, processes of their own, neither try again nor print why.
        os.environ["GLASSBOX_OFFLINE"] = "1"
        os.environ["PYTHONWARNINGS"] = f"{os.environ.get('PYTHONWARNINGS', '')},ignore:MNIST is not at hand".lstrip(",")


def _build_finished(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        # Printed, not logged: it is shown in a quiet build too.
        print(f"Data of this build: {app.data_of_build.source}")


def setup(app: Sphinx) -> None:
    app.connect("config-inited", _config_inited)
    app.connect("build-finished", _build_finished)
