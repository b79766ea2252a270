"""Models that nobody here wrote give PyTorch's numbers when the ``nn`` of their files is ours.

A name that we lack falls through to torch's own: `docs/api/nn.md` lists which, and a test here compares the list.
torchvision's models keep their code, and their widths are divided by 16, on both sides, so that a step takes
milliseconds; ResNet-18 in its full width is marked slow.
"""

from __future__ import annotations

import copy
import io
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint_sequential

import glassbox.nn
from tests.nn.compare import upstream

CLOSE = {"rtol": 1e-9, "atol": 1e-9}
PAGE = Path(__file__).parents[2] / "docs" / "api" / "nn.md"


class Changed:
    """What ``nn`` is to a script after the change of its import: a library, and torch's own where it lacks a name."""

    def __init__(self, library: Any, divide: int = 1) -> None:
        self.library, self.divide = library, divide
        self.fell_through: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if not hasattr(self.library, name):
            self.fell_through.add(name)
            return getattr(torch.nn, name)
        found = getattr(self.library, name)
        if self.divide > 1 and name in ("Conv2d", "BatchNorm2d", "Linear"):
            found = self.__dict__[name] = narrow(found, self.divide)  # kept: a script asks isinstance(m, nn.Conv2d)
        return found


def narrow(layer: type[torch.nn.Module], divide: int) -> type[torch.nn.Module]:
    """Make a layer whose widths from 64 on are divided."""

    class Narrow(layer):  # type: ignore[misc, valid-type]
        def __init__(self, *sizes: Any, **options: Any) -> None:
            count = 1 if "BatchNorm" in layer.__name__ else 2
            widths = [size // divide if size >= 64 else size for size in sizes[:count]]
            super().__init__(*widths, *sizes[count:], **options)

    return Narrow


# --- The models ----------------------------------------------------------------------------------------------------


def resnet18(nn: Any) -> torch.nn.Module:
    """Build torchvision's ResNet-18: He et al., Deep residual learning, 2016, https://doi.org/10.1109/CVPR.2016.90."""
    from torchvision.models import resnet

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resnet, "nn", nn)
        return resnet.resnet18(weights=None, num_classes=10)


def vgg11(nn: Any) -> torch.nn.Module:
    """Build torchvision's VGG-11: Simonyan and Zisserman, 2015, https://doi.org/10.48550/arXiv.1409.1556."""
    from torchvision.models import vgg

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vgg, "nn", nn)
        return vgg.vgg11(weights=None, num_classes=10, dropout=0.0)


# Which maps of S2 each map of C3 sees: table I of the paper.
TABLE = ["012", "123", "234", "345", "045", "015", "0123", "1234", "2345", "0345", "0145", "0125"]
TABLE += ["0134", "1245", "0235", "012345"]


def lenet5(nn: Any) -> torch.nn.Module:
    """Build LeNet-5 as its paper has it: LeCun et al., Gradient-based learning, 1998, https://doi.org/10.1109/5.726791.

    Sub-sampling has a coefficient and a bias for each map, the third layer sees some maps each, and the outputs are
    distances to a code for each digit.
    """

    class Squash(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tanh = nn.Tanh()

        def forward(self, a: Tensor) -> Tensor:
            return 1.7159 * self.tanh(2 / 3 * a)

    class Subsample(nn.Module):
        def __init__(self, maps: int) -> None:
            super().__init__()
            self.mean = nn.AvgPool2d(2)
            self.coefficient, self.bias = nn.Parameter(torch.ones(maps, 1, 1)), nn.Parameter(torch.zeros(maps, 1, 1))

        def forward(self, maps: Tensor) -> Tensor:
            return 4 * self.mean(maps) * self.coefficient + self.bias

    class Connected(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.maps = nn.ModuleList(nn.Conv2d(len(seen), 1, 5) for seen in TABLE)

        def forward(self, maps: Tensor) -> Tensor:
            parts = zip(self.maps, TABLE, strict=True)
            return torch.cat([layer(maps[:, [int(i) for i in seen]]) for layer, seen in parts], dim=1)

    class Distances(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            codes = torch.randint(2, (10, 84), generator=torch.Generator().manual_seed(1))
            self.register_buffer("codes", 2.0 * codes - 1)

        def forward(self, x: Tensor) -> Tensor:
            return -((x[:, None] - self.codes) ** 2).sum(2)

    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5), Subsample(6), Squash()),
        *(Connected(), Subsample(16), Squash()),
        *(nn.Conv2d(16, 120, 5), Squash(), nn.Flatten()),
        *(nn.Linear(120, 84), Squash(), Distances()),
    )


def unet(nn: Any) -> torch.nn.Module:
    """Build a U-Net of three levels: Ronneberger et al., 2015, https://doi.org/10.1007/978-3-319-24574-4_28.

    Convolutions without padding, up-convolutions, and what was seen on the way down, cropped, on the way up.
    """

    def twice(received: int, made: int) -> Any:
        return nn.Sequential(
            *(nn.Conv2d(received, made, 3), nn.ReLU(inplace=True), nn.Conv2d(made, made, 3), nn.ReLU(inplace=True))
        )

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down1, self.down2, self.bottom = twice(1, 4), twice(4, 8), twice(8, 16)
            self.pool = nn.MaxPool2d(2)
            self.raise2, self.raise1 = nn.ConvTranspose2d(16, 8, 2, 2), nn.ConvTranspose2d(8, 4, 2, 2)
            self.up2, self.up1, self.last = twice(16, 8), twice(8, 4), nn.Conv2d(4, 10, 1)

        def forward(self, x: Tensor) -> Tensor:
            fine = self.down1(x)
            coarse = self.down2(self.pool(fine))
            x = self.raise2(self.bottom(self.pool(coarse)))
            x = self.raise1(self.up2(self.beside(coarse, x)))
            return self.last(self.up1(self.beside(fine, x)))

        @staticmethod
        def beside(seen: Tensor, x: Tensor) -> Tensor:
            margin = (seen.shape[-1] - x.shape[-1]) // 2
            return torch.cat([seen[..., margin : -margin or None, margin : -margin or None], x], dim=1)

    return UNet()


MODELS: dict[str, tuple[Callable[[Any], torch.nn.Module], tuple[int, ...], int]] = {
    "ResNet-18": (resnet18, (4, 3, 64, 64), 16),
    "VGG-11": (vgg11, (2, 3, 32, 32), 16),
    "LeNet-5": (lenet5, (4, 1, 32, 32), 1),
    "U-Net": (unet, (1, 1, 44, 44), 1),
}


def built(name: str, library: Any, divide: int | None = None) -> tuple[torch.nn.Module, set[str]]:
    """Build a model on a library's nn, and tell which names fell through to torch's."""
    make, _, usual = MODELS[name]
    nn = Changed(library, usual if divide is None else divide)
    torch.manual_seed(0)
    return make(nn).double(), nn.fell_through


def pair(name: str, divide: int | None = None) -> tuple[torch.nn.Module, torch.nn.Module, Tensor]:
    """Give a model on ours and on torch's nn, from the same seed, with images."""
    images = torch.rand(MODELS[name][1], generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return built(name, glassbox.nn, divide)[0], built(name, torch.nn, divide)[0], images


def trained(model: torch.nn.Module, loss: torch.nn.Module, images: Tensor, steps: int) -> dict[str, Tensor]:
    """Take some steps; give the first output, the first gradients, and all that the model holds afterwards."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    seen: dict[str, Tensor] = {}
    for step in range(steps):
        output = model(images)
        labels = torch.arange(output[:, 0].numel()).view_as(output[:, 0]) % output.shape[1]
        optimizer.zero_grad()
        loss(output, labels).backward()
        if step == 0:
            seen["output"] = output.detach().clone()
            seen |= {f"gradient of {name}": value.grad.clone() for name, value in model.named_parameters()}
        optimizer.step()
    return seen | model.state_dict()


def assert_opened(model: torch.nn.Module) -> None:
    """No layer is torch's where we have one of that name."""
    for layer in model.modules():
        kinds = type(layer).__mro__
        for name in {kind.__name__ for kind in kinds} & set(glassbox.nn.__all__) - {"Module", "Sequential"}:
            assert getattr(glassbox.nn, name) in kinds, f"{name} is torch's"


def assert_trains_alike(name: str, steps: int, **options: Any) -> None:
    mine, reference, images = pair(name, **options)
    assert_opened(mine)
    found = trained(mine, glassbox.nn.CrossEntropyLoss(), images, steps)
    expected = trained(reference, torch.nn.CrossEntropyLoss(), images, steps)
    assert list(found) == list(expected)
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, **CLOSE, msg=lambda text, key=key: f"{key}: {text}")


@pytest.mark.parametrize("name", MODELS)
def test_twenty_steps_are_torch_s(name: str) -> None:
    assert_trains_alike(name, steps=20)


@pytest.mark.slow
def test_resnet18_in_full_width() -> None:
    assert_trains_alike("ResNet-18", steps=20, divide=1)


def test_the_comparison_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    relu = glassbox.nn.ReLU.forward
    monkeypatch.setattr(glassbox.nn.ReLU, "forward", lambda self, input: relu(self, input) * (1 + 1e-7))
    with pytest.raises(AssertionError, match="output"):
        assert_trains_alike("U-Net", steps=1)


# --- What else a script does with a model ---------------------------------------------------------------------------


def gradients(model: torch.nn.Module, images: Tensor, forward: Callable[..., Tensor] | None = None) -> list[Tensor]:
    """Back-propagate fixed values through a model, or through what is made of it."""
    output = (model if forward is None else forward)(images)
    return list(torch.autograd.grad(output, list(model.parameters()), upstream(output)))


def saved(model: torch.nn.Module) -> torch.nn.Module:
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def through_its_state(model: torch.nn.Module) -> torch.nn.Module:
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    other = small(glassbox.nn, seed=5)
    other.load_state_dict(torch.load(file, weights_only=True))
    return other


def small(nn: Any, seed: int = 0) -> torch.nn.Module:
    """Make a network of module-level classes only, which pickle asks for."""
    torch.manual_seed(seed)
    layers = (nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3))
    return nn.Sequential(*layers, nn.Tanh(), nn.Flatten(), nn.Linear(36, 10), nn.LogSoftmax(1)).double()


IMAGES = torch.rand(4, 1, 12, 12, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
COPIES: dict[str, Callable[[torch.nn.Module], torch.nn.Module]] = {
    "copy.deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "torch.save": saved,
    "state_dict": through_its_state,
}


def assert_gradients(found: list[Tensor], expected: list[Tensor]) -> None:
    for mine, reference in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, reference, **CLOSE)


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_copied(copied: Callable[[torch.nn.Module], torch.nn.Module]) -> None:
    assert_gradients(gradients(copied(small(glassbox.nn)), IMAGES), gradients(small(torch.nn), IMAGES))


def hooked(nn: Any) -> list[Tensor]:
    """Let hooks read and change: an input, an output, a gradient, a parameter's gradient."""
    model, seen = small(nn), []
    model[0].register_forward_pre_hook(lambda layer, given: (2 * given[0],))
    model[4].register_forward_hook(lambda layer, given, output: output + given[0].mean())
    model[7].register_full_backward_pre_hook(lambda layer, arriving: (3 * arriving[0],))
    model[4].register_full_backward_hook(lambda layer, slopes, arriving: seen.extend([*slopes, *arriving]))
    model[5].register_forward_hook(lambda layer, given, output: output.register_hook(seen.append) and None)
    model[7].weight.register_hook(lambda slope: slope / 2)
    found = gradients(model, IMAGES)
    assert len(seen) == 3
    return found + seen


def test_hooks() -> None:
    assert_gradients(hooked(glassbox.nn), hooked(torch.nn))


def shared(nn: Any) -> list[Tensor]:
    """Use one convolution twice, and one weight in two layers."""
    torch.manual_seed(0)
    convolution, first, second = nn.Conv2d(1, 1, 3, padding=1), nn.Linear(144, 144), nn.Linear(144, 144)
    second.weight = first.weight
    relu = nn.ReLU(inplace=True)
    return gradients(nn.Sequential(convolution, relu, convolution, nn.Flatten(), first, relu, second).double(), IMAGES)


def test_shared_weights() -> None:
    assert_gradients(shared(glassbox.nn), shared(torch.nn))


@pytest.mark.parametrize("reentrant", [False, True])
def test_gradient_checkpointing(reentrant: bool) -> None:
    model = small(glassbox.nn)
    given = IMAGES.clone().requires_grad_()  # a reentrant checkpoint needs one that asks
    output = checkpoint_sequential(model, 3, given, use_reentrant=reentrant)
    output.backward(upstream(output))  # the only way that a reentrant one allows
    assert_gradients([parameter.grad for parameter in model.parameters()], gradients(small(torch.nn), IMAGES))


def as_a_function(nn: Any, transform: str) -> list[Tensor]:
    """Take the gradient of a loss as a function of the parameters."""
    model, labels = small(nn).eval(), torch.tensor([0, 3, 1, 9])
    state = {name: value.detach() for name, value in model.named_parameters()}

    def loss(state: dict[str, Tensor]) -> Tensor:
        return nn.NLLLoss()(torch.func.functional_call(model, state, (IMAGES,)), labels)

    if transform == "grad":
        return list(torch.func.grad(loss)(state).values())
    value, pull_back = torch.func.vjp(loss, state)
    return [value, *pull_back(torch.ones_like(value))[0].values()]


@pytest.mark.parametrize("transform", ["grad", "vjp"])
def test_gradients_as_functions(transform: str) -> None:
    assert_gradients(as_a_function(glassbox.nn, transform), as_a_function(torch.nn, transform))


def penalized(nn: Any) -> list[Tensor]:
    """Differentiate the squared length of the gradient, which takes every layer's second derivative."""
    model, labels = small(nn), torch.tensor([0, 3, 1, 9])
    images = IMAGES.clone().requires_grad_()
    loss = nn.NLLLoss()(model(images), labels)
    leaves = [images, *model.parameters()]
    slopes = torch.autograd.grad(loss, leaves, create_graph=True)
    total = loss + sum((slope**2).sum() for slope in slopes)
    return list(torch.autograd.grad(total, leaves))


def test_a_penalty_on_the_gradient() -> None:
    assert_gradients(penalized(glassbox.nn), penalized(torch.nn))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`")
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # Dynamo's own look at a view
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled(backend: str) -> None:
    """A whole ResNet into one graph; test_arrangements.py compiles a small network each time."""
    mine, reference, images = pair("ResNet-18")
    assert_gradients(
        gradients(mine, images, torch.compile(mine, backend=backend, fullgraph=True)), gradients(reference, images)
    )


# --- What the page says ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "target"),
    [
        ("CrossEntropyLoss", torch.tensor([0, 3, -100])),
        ("CrossEntropyLoss", torch.tensor([0, 3, 1], dtype=torch.uint8)),
        ("NLLLoss", torch.tensor([0, 3, 1])),
        ("MSELoss", torch.rand(3, 4)),
        ("BCEWithLogitsLoss", torch.rand(3, 4)),
    ],
)
def test_a_loss_compiles_into_one_graph(loss: str, target: Tensor) -> None:
    """To look at the labels would break it."""
    scores = torch.randn(3, 4, requires_grad=True)
    criterion = getattr(glassbox.nn, loss)()
    found = torch.compile(criterion, backend="aot_eager", fullgraph=True)(scores, target)
    torch.testing.assert_close(found, criterion(scores, target))
    slopes = (torch.autograd.grad(each, scores)[0] for each in (found, criterion(scores, target)))
    torch.testing.assert_close(*slopes)


@pytest.mark.parametrize("label", [4, -1])
def test_a_label_that_is_no_class_stops_a_compiled_loss(label: int) -> None:
    """Where no check may wait for it, the device's own does not let it pass for an example that is ignored."""
    compiled = torch.compile(glassbox.nn.CrossEntropyLoss(), backend="aot_eager", fullgraph=True)
    with pytest.raises(RuntimeError, match="out of bounds"):
        compiled(torch.randn(3, 4), torch.tensor([0, label, 1]))


def test_the_page_lists_what_falls_through() -> None:
    listed = dict(re.findall(r"^\| ([\w-]+), .*\| (.+?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    fallen = {name: sorted(built(name, glassbox.nn)[1]) for name in MODELS}
    found = {name: ", ".join(f"`{each}`" for each in names) or "nothing" for name, names in fallen.items()}
    assert listed == found


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("transform", [torch.func.vmap, lambda model: lambda x: torch.func.jvp(model, (x,), (x,))])
def test_the_page_quotes_what_is_refused(transform: Callable[..., Any]) -> None:
    with pytest.raises(NotImplementedError) as refusal:
        transform(small(glassbox.nn))(IMAGES[None] if transform is torch.func.vmap else IMAGES)
    said = str(refusal.value).split(" has ", 1)[1]
    assert said in re.sub(r"\s+(> )?", " ", PAGE.read_text(encoding="utf-8"))
