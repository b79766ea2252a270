"""The bridge: what reaches our backward, what comes out of it, and what is refused."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad

import glassbox.nn.functional as F
from glassbox.nn._bridge import Arrangement, by_the_equation, differentiable


def product_forward(left: Tensor, right: Tensor, extra: Tensor | None = None, *, power: int = 1) -> Tensor:
    """Multiply, and add a third tensor where there is one."""
    output = left * right**power
    return output if extra is None else output + extra


def product_backward(
    grad_output: Tensor, left: Tensor, right: Tensor, extra: Tensor | None, *, output: Any, needs: Any, power: int = 1
) -> tuple[Tensor | None, ...]:
    """Give only the gradients that are wanted."""
    return (
        grad_output * right**power if needs[0] else None,
        grad_output * left * power * right ** (power - 1) if needs[1] else None,
        grad_output if needs[2] else None,
    )


class Recorder:
    """A backward that remembers how it was called."""

    def __init__(self, backward: Callable[..., Any]) -> None:
        self.backward = backward
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __call__(self, *tensors: Any, **options: Any) -> Any:
        self.calls.append((tensors, options))
        return self.backward(*tensors, **options)


def numbers(*values: float, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor(values, dtype=dtype, requires_grad=True)


def test_gradients_are_those_of_the_backward() -> None:
    product = differentiable(product_forward, product_backward)
    left, right, extra = numbers(2, 3), numbers(5, -7), numbers(1, 1)
    found = torch.autograd.grad(product(left, right, extra, power=3), (left, right, extra), torch.ones(2).double())
    output = left * right**3 + extra
    expected = torch.autograd.grad(output, (left, right, extra), torch.ones(2).double())
    for mine, reference in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, reference)


@pytest.mark.parametrize(
    "wanted", [(True, True, True), (False, True, False), (True, False, True), (False, False, True)]
)
def test_backward_is_told_what_is_wanted(wanted: tuple[bool, ...]) -> None:
    backward = Recorder(product_backward)
    tensors = [numbers(2, 3).detach().requires_grad_(want) for want in wanted]
    differentiable(product_forward, backward)(*tensors).sum().backward()
    ((_, options),) = backward.calls
    assert options["needs"] == wanted
    assert [tensor.grad is not None for tensor in tensors] == list(wanted)


def test_an_optional_tensor_may_be_none() -> None:
    backward = Recorder(product_backward)
    left, right = numbers(2), numbers(3)
    differentiable(product_forward, backward)(left, right, None, power=2).backward()
    (((_, *tensors), options),) = backward.calls
    assert tensors[2] is None
    assert options["needs"] == (True, True, False)
    assert (float(left.grad), float(right.grad)) == (9, 12)


def double_forward(input: Tensor) -> Tensor:
    return 2 * input


def double_backward(grad_output: Tensor, input: Tensor, *, output: Tensor, needs: Any) -> tuple[Tensor]:
    return (2 * grad_output,)


@pytest.mark.parametrize(
    ("saves", "input_there", "output_there"),
    [("tensors", True, False), ("output", False, True), ("both", True, True)],
)
def test_only_what_is_saved_reaches_the_backward(saves: Any, input_there: bool, output_there: bool) -> None:
    backward = Recorder(double_backward)
    x = numbers(4)
    y = differentiable(double_forward, backward, saves=saves)(x)
    y.backward()
    (((_, given), options),) = backward.calls
    assert (given is not None, options["output"] is not None) == (input_there, output_there)
    if input_there:
        torch.testing.assert_close(given, x)
    if output_there:
        torch.testing.assert_close(options["output"], y)


@pytest.mark.parametrize(("saves", "alive"), [("tensors", True), ("output", False)])
def test_what_is_not_saved_is_freed(saves: Any, alive: bool) -> None:
    x = numbers(1, 2)
    between = x * 3
    watch = weakref.ref(between.untyped_storage())
    kept = differentiable(double_forward, double_backward, saves=saves)(between)
    del between
    gc.collect()
    assert (watch() is not None) == alive
    kept.sum().backward()
    torch.testing.assert_close(x.grad, torch.full((2,), 6.0, dtype=torch.float64))


def pair_forward(input: Tensor) -> tuple[Tensor, Tensor]:
    return 2 * input, input + 1


@pytest.mark.parametrize("arranged", [False, True])
@pytest.mark.parametrize("way", ["backward", "func.grad"])
def test_what_a_forward_keeps_reaches_its_backward(way: str, arranged: bool) -> None:
    """Under the name that it is given, and in place of the output, which may be written over."""
    calls: list[dict[str, Any]] = []

    def backward(grad_output: Tensor, input: Tensor, **options: Any) -> tuple[Tensor]:
        calls.append(options)
        return (2 * grad_output,)

    fast = Arrangement(pair_forward, backward, lambda *_, **__: arranged)
    double, x = differentiable(pair_forward, backward, keeps="one_more", fast=fast), numbers(3)
    if way == "backward":
        double(x).mul_(5).backward()
        slope = x.grad
    else:
        slope = torch.func.grad(lambda x: double(x).mul_(5).sum())(x.detach())
    assert slope.item() == 10
    assert set(calls[0]) == {"one_more", "needs"}
    assert calls[0]["one_more"].item() == 4


def test_the_output_alone_where_no_gradient_is_asked_for() -> None:
    fast = Arrangement(pair_forward, double_backward, lambda *_, **__: True, lambda input: 3 * input)
    double, x = differentiable(pair_forward, double_backward, keeps="output", fast=fast), numbers(3)
    assert double(x.detach()).item() == 9
    assert double(x).item() == 6
    with torch.no_grad():
        assert double(2 * x).item() == 18


def test_a_gradient_that_is_none_stays_none() -> None:
    class Stop(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, input: Tensor) -> Tensor:
            return input.clone()

        @staticmethod
        def backward(context: Any, *_: Tensor) -> None:
            return None

    backward = Recorder(double_backward)
    x = numbers(1)
    Stop.apply(differentiable(double_forward, backward)(x)).backward()
    assert not backward.calls
    assert x.grad is None


def test_a_changed_tensor_is_noticed() -> None:
    x, factor = numbers(1, 2), numbers(3, 4)
    output = differentiable(product_forward, product_backward)(x, factor, None)
    with torch.no_grad():
        factor.add_(1)
    with pytest.raises(RuntimeError, match="inplace operation"):
        output.sum().backward()


# --- A derivative has a derivative ---------------------------------------------------------------------------------


def test_a_second_derivative_is_right() -> None:
    product = differentiable(product_forward, product_backward)
    tensors = numbers(2, 3), numbers(5, -7), numbers(1, 1)
    assert torch.autograd.gradgradcheck(lambda *given: product(*given, power=3), tensors)


def test_a_constant_gradient_may_arrive() -> None:
    """The Hessian of a least-squares risk: nothing that arrives at the outputs requires a gradient."""
    x, target, weight = torch.tensor([[1.0, 2.0], [3.0, 5.0]]), torch.tensor([[1.0], [2.0]]), torch.rand(1, 2)
    found, expected = (
        torch.autograd.functional.hessian(
            lambda w, library=library: library.mse_loss(library.linear(x, w), target), weight
        )
        for library in (F, torch.nn.functional)
    )
    assert expected.abs().min() > 1
    torch.testing.assert_close(found, expected)


def test_a_backward_is_recorded_to_any_order() -> None:
    product = differentiable(product_forward, product_backward)
    x = numbers(2)
    (first,) = torch.autograd.grad(product(numbers(1), x, None, power=4), x, create_graph=True)
    (second,) = torch.autograd.grad(first, x, create_graph=True)
    (third,) = torch.autograd.grad(second, x)
    assert [value.item() for value in (first, second, third)] == [4 * 2**3, 12 * 2**2, 24 * 2]


def arranged(
    pays: Callable[..., bool] = lambda *_, **__: True,
) -> tuple[Callable[..., Any], Recorder, Recorder, Recorder]:
    """Give an operation with its arrangement for speed, and the recorders of what is called."""
    forward, backward, equation = Recorder(product_forward), Recorder(product_backward), Recorder(product_backward)
    return (
        differentiable(product_forward, equation, fast=Arrangement(forward, backward, pays)),
        forward,
        backward,
        equation,
    )


@pytest.mark.parametrize("pays", [True, False])
def test_an_arrangement_is_taken_where_it_pays(pays: bool) -> None:
    seen = []
    product, forward, backward, equation = arranged(lambda *tensors, **options: seen.append((tensors, options)) or pays)
    left, right = numbers(2), numbers(3)
    product(left, right, None, power=2).backward()
    assert seen == [((left, right, None), {"power": 2})]
    assert [len(recorder.calls) for recorder in (forward, backward, equation)] == ([1, 1, 0] if pays else [0, 0, 1])
    assert (float(left.grad), float(right.grad)) == (9, 12)


def test_a_recorded_backward_is_the_equation_s() -> None:
    product, _, backward, equation = arranged()
    left, right = numbers(2), numbers(3)
    (slope,) = torch.autograd.grad(product(left, right, None, power=2), right, create_graph=True)
    (again,) = torch.autograd.grad(slope, right)
    assert [slope.item(), again.item()] == [12, 4]
    assert (len(backward.calls), len(equation.calls)) == (0, 1)


def test_by_the_equation_nothing_is_arranged() -> None:
    product, forward, backward, equation = arranged()
    left, right = numbers(2), numbers(3)
    with pytest.raises(ZeroDivisionError), by_the_equation():
        raise ZeroDivisionError
    with by_the_equation():
        with by_the_equation():
            pass
        inside = product(left, right, None)
    inside.backward()
    assert not forward.calls
    assert not backward.calls
    outside = product(left, right, None)
    with by_the_equation():
        outside.backward()
    assert (len(forward.calls), len(backward.calls), len(equation.calls)) == (1, 0, 2)
    product(left, right, None).backward()
    assert (len(forward.calls), len(backward.calls), len(equation.calls)) == (2, 1, 2)


def test_an_output_may_be_written_over() -> None:
    """Also one that the forward made as a view, as a product has fewer dimensions than an image."""
    views = differentiable(lambda input: (2 * input.flatten()).view(input.shape), double_backward)
    x = torch.tensor([[1.0, -2.0]], requires_grad=True)
    output = views(x)
    assert not output._is_view()
    output += x
    torch.relu_(output)
    output.sum().backward()
    assert x.grad.tolist() == [[3.0, 0.0]]


# --- Transforms of functions ---------------------------------------------------------------------------------------

CALLS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: F.linear(x, torch.ones(3, 5)),
    "conv2d": lambda x: F.conv2d(x.reshape(1, 1, 4, 5), torch.ones(2, 1, 2, 2)),
    "max_pool2d": lambda x: F.max_pool2d(x.reshape(1, 1, 4, 5), 2),
    "relu": F.relu,
    "softmax": lambda x: F.softmax(x, 1),
}
PLAINLY = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own, at first use


@PLAINLY
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_forward_mode_is_refused(call: Callable[[Tensor], Tensor]) -> None:
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(torch.rand(4, 5), torch.rand(4, 5))
        with pytest.raises(NotImplementedError, match="forward"):
            call(dual)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_gradients_as_functions(call: Callable[[Tensor], Tensor]) -> None:
    x = torch.rand(4, 5, requires_grad=True)
    (call(x) ** 2).sum().backward()
    torch.testing.assert_close(torch.func.grad(lambda x: (call(x) ** 2).sum())(x.detach()), x.grad)
    _, pull_back = torch.func.vjp(lambda x: (call(x) ** 2).sum(), x.detach())
    torch.testing.assert_close(pull_back(torch.tensor(1.0))[0], x.grad)


def test_a_gradient_as_a_function_passes_layers_without_one() -> None:
    """The first layer is a constant inside the transform."""
    x, first, second = torch.rand(4, 5), torch.rand(3, 5), torch.rand(2, 3)
    found = torch.func.grad(lambda w: F.linear(F.relu(F.linear(x, first)), w).sum())(second)
    torch.testing.assert_close(found, torch.relu(x @ first.T).sum(0).expand(2, 3))


@PLAINLY
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_other_transforms_are_refused_in_a_sentence(call: Callable[[Tensor], Tensor]) -> None:
    x = torch.rand(4, 5)
    with pytest.raises(NotImplementedError, match=r"no rule for forward mode .* vmap: take gradients in reverse mode"):
        torch.func.jvp(call, (x,), (x,))
    with pytest.raises(NotImplementedError, match="give a whole batch instead of mapping"):
        torch.func.vmap(call)(x[None])


@pytest.mark.parametrize("pays", [True, False])
def test_compiled_it_gives_the_same(pays: bool) -> None:
    """Without a break: the whole of it is one graph."""
    product = differentiable(
        product_forward, product_backward, fast=Arrangement(product_forward, product_backward, lambda *_, **__: pays)
    )

    def function(left: Tensor, right: Tensor) -> Tensor:
        return torch.relu(product(left, right, None, power=2) - 3)

    tensors = numbers(2, 1), numbers(3, 1)
    compiled = torch.compile(function, backend="aot_eager", fullgraph=True)
    assert torch.equal(compiled(*tensors), function(*tensors))
    found, expected = (torch.autograd.grad(each(*tensors).sum(), tensors) for each in (compiled, function))
    assert all(map(torch.equal, found, expected))


# --- What is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [None, [1.0], 2.0, "x"])
def test_what_is_no_tensor_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"relu expects tensors, got {type(wrong).__name__}"):
        F.relu(wrong)
    with pytest.raises(TypeError, match="product expects tensors, got int"):
        differentiable(product_forward, product_backward)(numbers(1), 3)


def test_the_function_bears_the_name_of_its_equation() -> None:
    product = differentiable(product_forward, product_backward)
    assert product.__name__ == "product"
    assert product.__doc__ == product_forward.__doc__
    assert type(product(numbers(1), numbers(1)).grad_fn).__name__ == "ProductBackward"


# --- Autocast ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "given", "computed"),
    [
        ("low", torch.float32, torch.bfloat16),
        ("low", torch.bfloat16, torch.bfloat16),
        ("low", torch.float64, torch.float64),
        ("float32", torch.bfloat16, torch.float32),
        ("float32", torch.float64, torch.float64),
        (None, torch.float32, torch.float32),
        (None, torch.bfloat16, torch.bfloat16),
    ],
)
def test_autocast_computes_in_its_type(policy: Any, given: torch.dtype, computed: torch.dtype, device: str) -> None:
    seen: list[torch.dtype] = []

    def forward(input: Tensor, labels: Tensor) -> Tensor:
        seen.append(input.dtype)
        assert labels.dtype == torch.int64
        return 2 * input

    def backward(grad_output: Tensor, *tensors: Tensor, output: Tensor, needs: Any) -> tuple[Tensor, None]:
        seen.append(grad_output.dtype)
        assert not torch.is_autocast_enabled(device)
        return 2 * grad_output, None

    x = torch.ones(3, dtype=given, device=device, requires_grad=True)
    with torch.autocast(device, torch.bfloat16):
        output = differentiable(forward, backward, autocast=policy)(x, torch.arange(3, device=device))
        assert output.dtype == computed
        output.backward(torch.ones_like(output))  # inside on purpose: the types must not change again
    assert seen == [computed, computed]
    assert x.grad.dtype == given
    assert (x.grad == 2).all()


def test_autocast_lets_types_differ_for_what_it_casts(device: str) -> None:
    weight = torch.rand(3, 5, device=device, requires_grad=True)
    low = torch.rand(4, 5, dtype=torch.bfloat16, device=device)
    with pytest.raises(TypeError, match="bfloat16"):
        F.linear(low, weight)
    with torch.autocast(device, torch.bfloat16):
        output = F.linear(low, weight)
    output.float().sum().backward()
    assert (output.dtype, weight.grad.dtype) == (torch.bfloat16, torch.float32)


# --- By hand -------------------------------------------------------------------------------------------------------


def test_gradients_by_hand_carry_no_graph() -> None:
    """With the parameters of a layer, as a lesson calls it."""
    layer = torch.nn.Conv2d(1, 2, 2)
    images = torch.rand(3, 1, 5, 5)
    gradients = F.conv2d_backward(torch.ones(3, 2, 4, 4), images, layer.weight, layer.bias)
    assert not any(gradient.requires_grad for gradient in gradients)
    layer(images).sum().backward()
    torch.testing.assert_close(gradients[1], layer.weight.grad)
    torch.testing.assert_close(gradients[2], layer.bias.grad)


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh"])
def test_an_activation_by_hand_needs_its_input_or_its_output(name: str) -> None:
    backward = getattr(F, f"{name}_backward")
    x = torch.linspace(-2, 2, 7)
    from_input = backward(torch.ones(7), x)
    from_output = backward(torch.ones(7), None, output=getattr(F, name)(x))
    torch.testing.assert_close(from_input, from_output)
    with pytest.raises(ValueError, match="neither"):
        backward(torch.ones(7), None)
