"""The landscape of the page that trains is the loss of the network on the plane through three of its states."""

from __future__ import annotations

import json

import pytest
import torch
from torch.nn import functional
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from glassbox.explain._bundle import JS, join
from glassbox.explain._describe import describe
from glassbox.models import SmallCNN
from tests.explain.node import HERE, node

PUBLIC = "Landscape, Plane, decode, farthestFromTheWay, partsOf, rangesAround, tensor, withWeights"


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        models = [SmallCNN().double() for _ in range(3)]
        images, labels = torch.rand(3, 1, 28, 28, dtype=torch.float64), torch.tensor([3, 0, 9])
        start, now, third = (parameters_to_vector(model.parameters()).detach() for model in models)
        axes = torch.linalg.qr(torch.stack([now - start, third - start], dim=1)).Q
        axes = axes * torch.sign(torch.stack([(now - start) @ axes[:, 0], (third - start) @ axes[:, 1]]))
        others = [start, now, third, torch.randn_like(start)]

    def projected(theta):
        place = axes.T @ (theta - start)
        distance = (theta - start - axes @ place).norm()
        return {"theta": theta.tolist(), "place": place.tolist(), "distance": distance.item()}

    def loss(place):
        vector_to_parameters(start + axes @ place, models[0].parameters())
        return functional.cross_entropy(models[0](images), labels).item()

    ranges = [[-1.0, 3.0], [0.0, 2.0]]
    raster = [torch.tensor([a, b], dtype=torch.float64) for b in (2, 1, 0) for a in (-1, 1, 3)]
    content = {
        "network": describe(SmallCNN(), (1, 28, 28)),
        "states": [theta.tolist() for theta in (start, now, third)],
        "points": [projected(theta) for theta in others],
        "images": images.flatten(1).tolist(),
        "labels": labels.tolist(),
        "ranges": ranges,
        "losses": [loss(place) for place in raster],
    }
    path = tmp_path_factory.mktemp("plane") / "reference.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def run_tests(folder, reference, wrong=None):
    uses = 'import { Plane } from "./plane.js";\nimport { partsOf } from "./training.js";\n'
    (folder / "entry.js").write_text(f"{uses}const used = [Plane, partsOf];\n", encoding="utf-8")
    code = join(folder / "entry.js", [JS])
    if wrong is not None:
        assert code.count(wrong[0]) == 1, f"{wrong[0]!r} must stand once"
        code = code.replace(*wrong)
    module = folder / "plane.mjs"
    module.write_text(f"{code}\nexport {{ {PUBLIC} }};\n", encoding="utf-8")
    return node("--test", "--test-reporter=tap", HERE / "plane.test.mjs", ENGINE=module, REFERENCE=reference)


def test_the_landscape_is_the_loss_of_the_network(tmp_path, reference):
    done = run_tests(tmp_path, reference)
    assert done.returncode == 0, done.stdout


PLANTED = {
    "axes that are not at a right angle": ("plus(toSecond, -dot(toSecond, axis), axis)", "toSecond"),
    "an axis of another length": ("1 / lengthOf(a), a)", "2 / lengthOf(a), a)"),
    "a raster upside down": ("up[1] - share(row)", "up[0] + share(row)"),
    "a sum in place of the mean": ("this.losses.push(this.total / this.seen)", "this.losses.push(this.total)"),
}


@pytest.mark.parametrize("wrong", PLANTED.values(), ids=PLANTED)
def test_a_planted_error_is_caught(tmp_path, reference, wrong):
    assert run_tests(tmp_path, reference, wrong).returncode == 1
