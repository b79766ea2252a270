"""Networks of the course, ready to train or, with ``pretrained=True``, trained.

Each is a `Sequential` with named parts: ``model.conv1`` is its first convolution, ``model[:3]`` its first three layers.
"""

from glassbox.models.digit_cnn import DigitCNN
from glassbox.models.mlp import MLP
from glassbox.models.pretrained import weights_card
from glassbox.models.small_cnn import SmallCNN
from glassbox.models.small_vgg import SmallVGG

__all__ = ["MLP", "DigitCNN", "SmallCNN", "SmallVGG", "weights_card"]
