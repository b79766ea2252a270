"""Figures of the course, one file per kind: each function draws on the axes that it is given, and returns them."""

from glassbox.plots import style
from glassbox.plots.answers import yes_no_bars
from glassbox.plots.bars import named_bars
from glassbox.plots.classes import class_map
from glassbox.plots.confusion import confusion_matrix
from glassbox.plots.contours import contours, downhill_arrows, path
from glassbox.plots.curves import curves
from glassbox.plots.descent import descent_movie
from glassbox.plots.errors import prediction_errors
from glassbox.plots.heat import heat_over
from glassbox.plots.hinge import hinge
from glassbox.plots.images import image, image_grid
from glassbox.plots.matrix import cells, outline
from glassbox.plots.network import network
from glassbox.plots.perceptron import perceptron
from glassbox.plots.plane import activity, hinge_lines, mapped_grid, yes_no_points
from glassbox.plots.points import named_points
from glassbox.plots.roc import roc_curves
from glassbox.plots.sliding import sliding_kernel
from glassbox.plots.stamping import stamping_kernel
from glassbox.plots.table import weighted_table
from glassbox.plots.touching import touching_windows
from glassbox.plots.vectors import named_arrows
from glassbox.plots.windows import window_centers

__all__ = [
    "activity",
    "cells",
    "class_map",
    "confusion_matrix",
    "contours",
    "curves",
    "descent_movie",
    "downhill_arrows",
    "heat_over",
    "hinge",
    "hinge_lines",
    "image",
    "image_grid",
    "mapped_grid",
    "named_arrows",
    "named_bars",
    "named_points",
    "network",
    "outline",
    "path",
    "perceptron",
    "prediction_errors",
    "roc_curves",
    "sliding_kernel",
    "stamping_kernel",
    "style",
    "touching_windows",
    "weighted_table",
    "window_centers",
    "yes_no_bars",
    "yes_no_points",
]
