r"""
Of MNIST's ones fewer than half are still read as ones; the printed lines say as what
most of the others are. On MNIST the three brightest maps of a 1 are those of channels
1, 4 and 7; without the last one, two are left.
"""

import torch

from glassbox import datasets, models, tracing

test = datasets.mnist("test")
model = models.SmallCNN(pretrained=True)
ones = test.images[test.labels == 1]
maps = tracing.trace(model, ones)["pool3"].output
brightest = maps.mean(dim=0).amax(dim=(1, 2)).topk(3).indices.tolist()
print(f"The brightest mean maps of a 1 are those of channels {sorted(brightest)}.")
maps[:, 7] = 0
with torch.no_grad():
    reading = model[9:](maps).argmax(dim=1)  # flatten, fc1, relu4, fc2
counts = reading.bincount(minlength=10)
for digit in counts.argsort(descending=True)[:3].tolist():
    print(f"{counts[digit]} of {len(ones)} ones are read as {digit}")
if not test.is_standin:
    assert counts[1] < len(ones) / 2
    assert set(brightest) == {1, 4, 7}
