"""Every layer and loss gives what PyTorch gives: outputs, gradients, initial weights, names, text."""

from __future__ import annotations

import copy
import io
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.checkpoint import checkpoint

import glassbox.nn as ours
import glassbox.nn.functional as F
from glassbox.nn import _fast
from tests.nn.compare import assert_outcome, assert_same, call_of, run, state_of, tensors_of, upstream
from tests.nn.records import LAYERS, LOSSES, RECORDS, parameters
from tests.nn.records.record import CLASS_WEIGHTS, Row

# torch says so of its own padding; ours has nothing to say
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

ROWS = LAYERS + LOSSES
NAMES = sorted({row.name for row in ROWS})
FIRST = [record.rows[0] for record in RECORDS]
WEIGHTED = [row for row in FIRST if list(row.build(torch.nn).parameters())]


def assert_row(row: Row, device: str, *, training: bool = True, inputs: list[Tensor] | None = None) -> None:
    """Compare the module of a row with torch's: all that comes out, the text, the names of the weights."""
    mine, reference = row.build(ours, device=device).train(training), row.build(torch.nn, device=device).train(training)
    assert repr(mine) == repr(reference)
    assert list(mine.state_dict()) == list(reference.state_dict())
    inputs = row.inputs(device=device) if inputs is None else inputs
    assert_same(call_of(mine), call_of(reference), state_of(reference), *inputs)


@pytest.mark.parametrize("row", parameters(ROWS))
def test_training(row: Row, device: str) -> None:
    assert_row(row, device)


@pytest.mark.parametrize("row", parameters(LAYERS))
def test_evaluation(row: Row, device: str) -> None:
    assert_row(row, device, training=False)


def strided(tensor: Tensor) -> Tensor:
    """Lay the same numbers out with gaps between them and the dimensions in reverse order."""
    if tensor.ndim == 0:
        return tensor
    room = torch.zeros([2 * size for size in reversed(tensor.shape)], dtype=tensor.dtype, device=tensor.device)
    view = room[(slice(None, None, 2),) * tensor.ndim].permute(*reversed(range(tensor.ndim)))
    return view.copy_(tensor.detach()).detach().requires_grad_(tensor.requires_grad)


def channels_last(tensor: Tensor) -> Tensor:
    """Lay the same numbers out with the channels side by side."""
    if tensor.ndim != 4:
        return tensor
    return tensor.detach().contiguous(memory_format=torch.channels_last).requires_grad_(tensor.requires_grad)


@pytest.mark.parametrize("layout", [strided, channels_last])
@pytest.mark.parametrize("row", parameters([row for row in ROWS if 0 not in row.shape and row.shape]))
def test_layout_in_memory(row: Row, layout: Callable[[Tensor], Tensor], device: str) -> None:
    """Torch gets the same numbers contiguous: some of its own losses refuse other layouts."""
    mine, reference = row.build(ours, device=device), row.build(torch.nn, device=device)
    inputs = row.inputs(device=device)
    expected = run(call_of(reference), state_of(reference), *inputs)
    found = run(call_of(mine), state_of(mine), *[layout(tensor) for tensor in inputs])
    assert_outcome(found, expected)


@pytest.mark.parametrize("layout", ["expanded", "strided", "channels_last"])
@pytest.mark.parametrize("row", parameters([row for row in LAYERS if 0 not in row.shape and row.shape]))
def test_layout_of_the_upstream_gradient(row: Row, layout: str, device: str) -> None:
    gradients = []
    for library in (ours, torch.nn):
        module, inputs = row.build(library, device=device), row.inputs(device=device)
        returned = module(*inputs)
        output = returned[0] if isinstance(returned, tuple) else returned
        arriving = {
            "expanded": torch.tensor(0.7, dtype=output.dtype, device=device).expand_as(output),
            "strided": strided(upstream(output)),
            "channels_last": channels_last(upstream(output)),
        }[layout]
        gradients.append(torch.autograd.grad(output, [*inputs, *module.parameters()], arriving))
    for mine, reference in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, reference)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("row", parameters(ROWS))
def test_lower_precision(row: Row, dtype: torch.dtype, device: str) -> None:
    """In few digits the two round differently: ours may be off the exact result by no more than torch's, times four."""
    if row.name == "Conv2d" and dtype == torch.float16 and device == "cpu":
        pytest.skip("torch's float16 convolutions on a CPU are not IEEE: seen to differ by machine")
    exact, reference, mine = (
        outcome_in(row, library, kind, device)
        for library, kind in ((torch.nn, torch.float64), (torch.nn, dtype), (ours, dtype))
    )
    assert len(mine) == len(reference)
    for truth, theirs, result in zip(exact, reference, mine, strict=True):
        assert result.dtype == theirs.dtype
        assert result.shape == theirs.shape
        if truth.numel() == 0:
            continue
        room = 4 * torch.finfo(dtype).eps * truth.nan_to_num().abs().max()
        allowed = 4 * (theirs.double() - truth).abs().nan_to_num().max() + room
        torch.testing.assert_close(result.double(), truth, rtol=0, atol=float(allowed), equal_nan=True)


def outcome_in(row: Row, library: Any, dtype: torch.dtype, device: str, scale: float | None = None) -> list[Tensor]:
    """Run a row in one dtype, its input +-scale if that is given; give the output and the gradients."""
    module = row.build(library, dtype, device)
    for name in ("weight", "pos_weight"):
        if isinstance(row.options.get(name), Tensor):
            setattr(module, name, row.options[name].to(device, dtype))
    # Rounded once for every dtype, so that all work on the same numbers.
    inputs = [
        tensor.detach().to(torch.bfloat16).to(dtype).requires_grad_() if tensor.is_floating_point() else tensor
        for tensor in row.inputs(device=device)
    ]
    if scale is not None:
        inputs[0] = (scale * inputs[0].detach().sign()).requires_grad_()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.to(torch.bfloat16))
    returned = module(*inputs)
    output = returned[0] if isinstance(returned, tuple) else returned
    leaves = [tensor for tensor in [*inputs, *module.parameters()] if tensor.requires_grad]
    return [output.detach(), *torch.autograd.grad(output, leaves, upstream(output))]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("row", parameters([row for row in ROWS if 0 not in row.shape]))
def test_large_numbers(row: Row, dtype: torch.dtype, device: str) -> None:
    """Inputs of +-1e4 neither overflow nor lose what torch keeps."""
    exact, reference, mine = (
        outcome_in(row, library, kind, device, scale=1e4)
        for library, kind in ((torch.nn, torch.float64), (torch.nn, dtype), (ours, dtype))
    )
    for truth, theirs, result in zip(exact, reference, mine, strict=True):
        room = (1e-9 if dtype == torch.float64 else 1e-4) * truth.nan_to_num().abs().max()
        allowed = 4 * (theirs.double() - truth).abs().nan_to_num().max() + room
        torch.testing.assert_close(result.double(), truth, rtol=0, atol=float(allowed), equal_nan=True)


def finite_only(call: Callable[..., Any]) -> Callable[..., Any]:
    """Let no gradient pass back through an output that is not a finite number."""

    def called(*arguments: Any) -> list[Tensor]:
        outputs = list(tensors_of(call(*arguments)))
        return [torch.where(outputs[0].isfinite(), outputs[0], outputs[0].detach()), *outputs[1:]]

    return called


@pytest.mark.parametrize("special", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("row", parameters([row for row in ROWS if 0 not in row.shape]))
def test_not_a_number_and_infinity(row: Row, special: float, device: str) -> None:
    inputs = row.inputs(device=device)
    with torch.no_grad():
        inputs[0].view(-1)[inputs[0].numel() // 2] = special
    mine, reference = row.build(ours, device=device), row.build(torch.nn, device=device)
    # Which of several NaN in a window, or -inf beside its padding, takes the gradient of a maximum is left open.
    calls = [
        finite_only(call_of(module)) if row.name == "MaxPool2d" else call_of(module) for module in (mine, reference)
    ]
    found, expected = (run(call, state_of(reference), *inputs) for call in calls)
    if row.name == "BatchNorm2d":  # the mean of numbers with an infinite one among them: inf here, nan in torch
        for outcome in (found, expected):
            outcome.arguments = [tensor.where(tensor.isfinite(), math.nan) for tensor in outcome.arguments]
    if row.name == "BCEWithLogitsLoss":  # at -inf a yes costs inf; torch subtracts two infinities: nan
        for outcome in (found, expected):
            outcome.outputs = [tensor.where(tensor.isfinite(), math.nan) for tensor in outcome.outputs]
    if row.name == "Conv2d":
        # A convolution lays its images side by side and multiplies what is between them by zero: at the border of an
        # image the weight gradient of more taps becomes nan than torch's. None is hidden, and no finite one is wrong.
        assert (expected.gradients[0].isfinite() | ~found.gradients[0].isfinite()).all()
        expected.gradients[0] = torch.where(found.gradients[0].isfinite(), expected.gradients[0], math.nan)
        found.gradients[0] = torch.where(found.gradients[0].isfinite(), found.gradients[0], math.nan)
    assert_outcome(found, expected)


@pytest.mark.parametrize("row", parameters([row for row in ROWS if row.name == "MaxPool2d" and 0 not in row.shape]))
def test_max_pool_gives_ties_to_the_first(row: Row, device: str) -> None:
    generator = torch.Generator().manual_seed(5)
    drawn = torch.randint(2, row.shape, generator=generator)  # two values only: nearly every window has a tie
    for values in (drawn.double(), torch.zeros(row.shape, dtype=torch.float64), -drawn.double()):
        assert_row(row, device, inputs=[values.to(device).requires_grad_()])


@pytest.mark.parametrize("row", parameters([row for row in ROWS if row.name == "MaxPool2d" and 0 not in row.shape]))
def test_max_pool_of_nothing_but_minus_infinity(row: Row, device: str) -> None:
    assert_row(row, device, inputs=[torch.full(row.shape, -math.inf, dtype=torch.float64, device=device)])


def test_relu_has_no_slope_at_zero(device: str) -> None:
    assert_same(F.relu, torch.relu, torch.tensor([-1.0, -0.0, 0.0, 1.0], device=device, requires_grad=True))


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("options", [{"padding": 1}, {}, {"groups": 2, "stride": 2}], ids=str)
@pytest.mark.parametrize("kernel_size", [1, 2, 3])
def test_a_convolution_in_several_batches(
    kernel_size: int, options: dict[str, Any], threads: int, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patches laid out a few images at a time, over the last ones: seven images leave a smaller last batch."""
    monkeypatch.setattr(_fast, "_ROOM", {"cpu": 1, "cuda": 700})
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    images = torch.randn(7, 4, 6, 5, dtype=torch.float64, device=device, requires_grad=True)
    weight = torch.randn(6, 4 // options.get("groups", 1), kernel_size, kernel_size, dtype=torch.float64, device=device)
    bias = torch.randn(6, dtype=torch.float64, device=device, requires_grad=True)
    assert_same(F.conv2d, torch.conv2d, images, weight.requires_grad_(), bias, **options)


@pytest.mark.parametrize("row", parameters(ROWS))
def test_autograd_gradcheck(row: Row) -> None:
    """Central differences in float64, by torch's own checker: a reference that shares no derivative with torch.nn."""
    if any(0 in tensor.shape for tensor in row.inputs()):
        pytest.skip("no entry to differentiate")
    if row.name in ("CrossEntropyLoss", "NLLLoss") and row.shape == (1, 4):
        pytest.skip("0 / 0")
    module = row.build(ours)
    if row.options.get("return_indices"):
        module.return_indices = False
    inputs = row.inputs()
    state = {name: value.detach().requires_grad_(value.requires_grad) for name, value in state_of(module).items()}
    kept = {name: value.clone() for name, value in state.items() if not value.requires_grad}
    names = [name for name, value in state.items() if value.requires_grad]

    def function(*tensors: Tensor) -> Tensor:
        # The running statistics move at each call: start each from the same.
        given = dict(zip(names, tensors, strict=False))
        buffers = {name: value.clone() for name, value in kept.items()}
        return call_of(module)({**given, **buffers}, *tensors[len(names) :])

    # Every entry by itself where there are few; else along directions drawn at random.
    many = inputs[0].numel() > 100
    assert torch.autograd.gradcheck(function, [*(state[name] for name in names), *inputs], fast_mode=many)


@pytest.mark.parametrize("row", parameters([row for row in ROWS if 0 not in row.shape and row.shape != (1, 4)]))
def test_second_derivative_is_right_or_refused(row: Row) -> None:
    module = row.build(ours)
    inputs = row.inputs()
    returned = module(*inputs)
    output = returned[0] if isinstance(returned, tuple) else returned
    try:
        (slope,) = torch.autograd.grad(output, inputs[:1], upstream(output), create_graph=True)
        again = torch.autograd.grad(slope, inputs[:1], upstream(slope), allow_unused=True)
    except (RuntimeError, NotImplementedError):
        return  # refused: by us, or by torch because the slope is a constant
    reference = row.build(torch.nn)
    inputs = row.inputs()
    returned = reference(*inputs)
    output = returned[0] if isinstance(returned, tuple) else returned
    (slope,) = torch.autograd.grad(output, inputs[:1], upstream(output), create_graph=True)
    expected = torch.autograd.grad(slope, inputs[:1], upstream(slope), allow_unused=True)
    zero = torch.zeros_like(inputs[0])
    torch.testing.assert_close(zero if again[0] is None else again[0], zero if expected[0] is None else expected[0])


# --- What a training script relies on ------------------------------------------------------------------------------

MAKERS: dict[str, Callable[[Any], torch.nn.Module]] = {
    "Linear": lambda nn: nn.Linear(7, 3),
    "Linear without bias": lambda nn: nn.Linear(7, 3, bias=False),
    "Conv2d": lambda nn: nn.Conv2d(4, 6, (2, 3), groups=2),
    "Conv2d without bias": lambda nn: nn.Conv2d(4, 6, 3, bias=False, padding="same", padding_mode="reflect"),
    "BatchNorm2d": lambda nn: nn.BatchNorm2d(5),
    "BatchNorm2d without weights": lambda nn: nn.BatchNorm2d(5, affine=False),
    "BatchNorm2d without statistics": lambda nn: nn.BatchNorm2d(5, track_running_stats=False),
    "CrossEntropyLoss": lambda nn: nn.CrossEntropyLoss(weight=CLASS_WEIGHTS),
    "BCEWithLogitsLoss": lambda nn: nn.BCEWithLogitsLoss(weight=CLASS_WEIGHTS, pos_weight=2 * CLASS_WEIGHTS),
    "NLLLoss": lambda nn: nn.NLLLoss(weight=CLASS_WEIGHTS),
    **{f"{row.name}, its first row": row.make for row in FIRST},
    "network": lambda nn: nn.Sequential(
        nn.Conv2d(1, 2, 2, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32, 10)
    ),
}


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_same_seed_same_initial_weights(maker: Callable[[Any], torch.nn.Module], dtype: torch.dtype) -> None:
    states = []
    for library in (ours, torch.nn):
        torch.manual_seed(11)
        torch.set_default_dtype(dtype)
        try:
            module = maker(library)
            follows = torch.rand(3)  # the generator is left in the same state
        finally:
            torch.set_default_dtype(torch.float32)
        states.append({**module.state_dict(), "follows": follows})
    mine, reference = states
    assert list(mine) == list(reference)
    for name, value in reference.items():
        assert torch.equal(mine[name], value), name
        assert mine[name].dtype == value.dtype


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_weights_travel_both_ways(maker: Callable[[Any], torch.nn.Module]) -> None:
    torch.manual_seed(0)
    mine, reference = maker(ours), maker(torch.nn)
    mine.load_state_dict(reference.state_dict(), strict=True)
    for name, value in reference.state_dict().items():
        assert torch.equal(mine.state_dict()[name], value)
    torch.manual_seed(1)
    mine = maker(ours)
    reference.load_state_dict(mine.state_dict(), strict=True)
    for name, value in mine.state_dict().items():
        assert torch.equal(reference.state_dict()[name], value)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in WEIGHTED])
def test_factory_arguments(row: Row) -> None:
    mine = getattr(ours, row.name)(*row.arguments, device="meta", dtype=torch.float64)
    reference = getattr(torch.nn, row.name)(*row.arguments, device="meta", dtype=torch.float64)
    for key, value in reference.state_dict().items():
        assert (mine.state_dict()[key].dtype, mine.state_dict()[key].device) == (value.dtype, value.device)
    assert [p.requires_grad for p in mine.parameters()] == [p.requires_grad for p in reference.parameters()]


@pytest.mark.parametrize("name", NAMES)
def test_copy_and_file(name: str) -> None:
    row = next(row for row in ROWS if row.name == name)
    module = row.build(ours)
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    inputs = row.inputs()
    module.eval()
    for twin in (copy.deepcopy(module), torch.load(file, weights_only=False).eval()):
        assert torch.equal(module(*inputs), twin(*inputs))


def test_torch_hands_on_what_is_not_ours() -> None:
    for name in ("Identity", "Module", "ModuleDict", "ModuleList", "Parameter", "Sequential", "init"):
        assert getattr(ours, name) is getattr(torch.nn, name)


@pytest.mark.parametrize("name", NAMES)
def test_module_of_torch_is_not_ours(name: str) -> None:
    assert issubclass(getattr(ours, name), torch.nn.Module)
    assert not issubclass(getattr(ours, name), getattr(torch.nn, name))


def test_the_tools_of_torch_know_a_batch_normalization() -> None:
    """They go by a base class: SyncBatchNorm converts, and update_bn takes the statistics anew."""
    model = ours.Sequential(ours.Conv2d(1, 2, 3), ours.BatchNorm2d(2, eps=1e-3, momentum=0.3))
    images = 5 + torch.rand(8, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    torch.optim.swa_utils.update_bn([images], model)
    made = model[0](images).detach()
    torch.testing.assert_close(model[1].running_mean, made.mean((0, 2, 3)))
    converted = torch.nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(model))
    assert type(converted[1]) is torch.nn.SyncBatchNorm
    assert (converted[1].eps, converted[1].momentum) == (1e-3, 0.3)
    for name, value in model.state_dict().items():
        assert torch.equal(converted.state_dict()[name], value), name


def network(nn: Any) -> torch.nn.Module:
    """Every layer once, so that one step passes through all."""
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3, groups=2),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.0),
        nn.Linear(16, 8),
        nn.Sigmoid(),
        nn.Linear(8, 4),
    ).double()


IMAGES = torch.sin(torch.arange(6 * 12 * 12, dtype=torch.float64)).reshape(6, 1, 12, 12)
LABELS = torch.tensor([0, 1, 2, 3, 1, 0])


def test_twenty_steps_of_training(device: str) -> None:
    ends = []
    for library in (ours, torch.nn):
        model = network(library).to(device)
        loss = library.CrossEntropyLoss(label_smoothing=0.1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        for _ in range(20):
            optimizer.zero_grad()
            loss(model(IMAGES.to(device)), LABELS.to(device)).backward()
            optimizer.step()
        ends.append(model.state_dict())
    for name, value in ends[1].items():
        torch.testing.assert_close(ends[0][name], value, rtol=1e-8, atol=1e-10)


def test_backward_twice_adds_up() -> None:
    model = network(ours)
    loss = ours.CrossEntropyLoss()(model(IMAGES), LABELS)
    loss.backward(retain_graph=True)
    once = [parameter.grad.clone() for parameter in model.parameters()]
    loss.backward()
    for parameter, first in zip(model.parameters(), once, strict=True):
        torch.testing.assert_close(parameter.grad, 2 * first)
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


def test_checkpointing_recomputes_the_same() -> None:
    model = network(ours).eval()
    plain = ours.CrossEntropyLoss()(model(IMAGES), LABELS)
    expected = torch.autograd.grad(plain, list(model.parameters()))
    spared = ours.CrossEntropyLoss()(checkpoint(model, IMAGES, use_reentrant=False), LABELS)
    for mine, reference in zip(torch.autograd.grad(spared, list(model.parameters())), expected, strict=True):
        torch.testing.assert_close(mine, reference)


@pytest.mark.parametrize(
    ("module", "shape"), [(lambda: ours.Linear(3, 2), (4, 3)), (lambda: ours.Conv2d(3, 2, 2), (4, 3, 5, 5))]
)
def test_weight_changed_before_backward_is_noticed(
    module: Callable[[], torch.nn.Module], shape: tuple[int, ...]
) -> None:
    layer = module()
    output = layer(torch.ones(shape, requires_grad=True))
    with torch.no_grad():
        layer.weight.mul_(2)
    with pytest.raises(RuntimeError, match="inplace operation"):
        output.sum().backward()


@pytest.mark.parametrize("frozen", ["input", "weight", "bias", "input weight", "weight bias", "input bias"])
@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in WEIGHTED])
def test_only_the_wanted_gradients(row: Row, frozen: str) -> None:
    modules = [row.build(library) for library in (ours, torch.nn)]
    state, (given,) = state_of(modules[1]), row.inputs()
    wanted = {"input": given, "weight": state["weight"], "bias": state["bias"]}
    for part in frozen.split():
        wanted[part] = wanted[part].detach()
    state |= {"weight": wanted["weight"], "bias": wanted["bias"]}
    assert_same(call_of(modules[0]), call_of(modules[1]), state, wanted["input"])


@pytest.mark.parametrize("row", parameters([next(row for row in ROWS if row.name == name) for name in NAMES]))
def test_without_gradients(row: Row) -> None:
    module, reference = row.build(ours), row.build(torch.nn)
    with torch.no_grad():
        mine, theirs = module(*row.inputs()), reference(*row.inputs())
    torch.testing.assert_close(mine, theirs)
    with torch.inference_mode():
        torch.testing.assert_close(module(*row.inputs()), reference(*row.inputs()))


def test_in_place(device: str) -> None:
    """What a layer writes into is no leaf of the graph."""
    values = torch.linspace(-1, 1, 8, device=device, dtype=torch.float64).requires_grad_()
    assert_same(lambda x: F.relu(x * 1, inplace=True), lambda x: torch.relu_(x * 1), values)
    assert_same(lambda x: F.dropout(x * 1, 0.0, inplace=True), lambda x: x * 1, values)
    for layer in (ours.ReLU(inplace=True), ours.Dropout(1.0, inplace=True)):
        given = values.detach().clone()
        assert layer(given) is given
        assert torch.equal(given, values.detach().clamp(min=0) if isinstance(layer, ours.ReLU) else 0 * values.detach())


@pytest.mark.filterwarnings("ignore:size_average and reduce", "ignore:.*size_average.*")
@pytest.mark.parametrize("given", [{"size_average": False}, {"reduce": False}, {"size_average": True, "reduce": True}])
@pytest.mark.parametrize("name", sorted({row.name for row in LOSSES}))
def test_former_names_of_the_reduction(name: str, given: dict[str, bool]) -> None:
    row = next(row for row in LOSSES if row.name == name)
    modules = [getattr(library, name)(**given) for library in (ours, torch.nn)]
    assert_same(call_of(modules[0]), call_of(modules[1]), {}, *row.inputs())


@pytest.mark.parametrize("build", [lambda nn: nn.Linear(3, 2), lambda nn: nn.Conv2d(3, 2, 3)], ids=["Linear", "Conv2d"])
def test_a_layer_on_the_meta_device_gives_the_shape(build: Callable[[Any], torch.nn.Module]) -> None:
    """Autocast knows no such device: asking it ended in an error of its own."""
    layer = build(ours).to("meta")
    images = torch.rand(5, 3, 4, 3, device="meta")
    assert layer(images).shape == build(torch.nn).to("meta")(images).shape


@pytest.mark.parametrize("build", [lambda nn: nn.ReLU(), lambda nn: nn.MaxPool2d(2)], ids=["ReLU", "MaxPool2d"])
def test_a_layer_of_fake_tensors_gives_the_shapes(build: Callable[[Any], torch.nn.Module]) -> None:
    """At a size at which real numbers would be arranged for speed: these cannot be looked at."""
    with FakeTensorMode():
        images = torch.rand(16, 4, 28, 28, requires_grad=True)
        output = build(ours)(images)
        output.sum().backward()
    assert output.shape == build(torch.nn)(torch.rand(16, 4, 28, 28)).shape
    assert images.grad is not None
    assert images.grad.shape == images.shape
