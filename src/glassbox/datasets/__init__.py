"""The data of the course: path or name in, tensors or a table out."""

from glassbox.datasets._faces import faces
from glassbox.datasets._labelled import LabelledImages
from glassbox.datasets._mnist import DataWarning, FoundFile, fetch_mnist, find_mnist, mnist
from glassbox.datasets._photo import PHOTO_CREDITS, photo
from glassbox.datasets._recordings import Recording, recorded
from glassbox.datasets._tables import load_exam, load_grades, make_pupils

__all__ = [
    "PHOTO_CREDITS",
    "DataWarning",
    "FoundFile",
    "LabelledImages",
    "Recording",
    "faces",
    "fetch_mnist",
    "find_mnist",
    "load_exam",
    "load_grades",
    "make_pupils",
    "mnist",
    "photo",
    "recorded",
]
