"""Your own network in one page: every number of it, forward and backward, opens into the sum that made it."""

from glassbox.explain._export import export
from glassbox.explain._recorder import Recorder
from glassbox.explain._show import show

__all__ = ["Recorder", "export", "show"]
