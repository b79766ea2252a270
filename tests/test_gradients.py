"""The gradient checker is right about right gradients, and says where wrong ones are wrong."""

import pytest
import torch

from glassbox import gradients

X = torch.tensor([[0.3, -1.2, 2.0], [4.0, 0.01, -0.7]], dtype=torch.float64)
WEIGHT = torch.tensor([[1.0, -0.5], [0.2, 0.9], [-1.4, 0.6]], dtype=torch.float64)


def product(x, weight):
    return x @ weight


def product_backward(grad_output, x, weight):
    return grad_output @ weight.T, x.T @ grad_output


def test_central_difference_is_the_derivative():
    torch.testing.assert_close(gradients.central_difference(lambda x: x.sin().sum(), X), X.cos(), rtol=0, atol=1e-9)


def test_central_difference_moves_one_entry_at_a_time():
    difference = gradients.central_difference(lambda x: x.prod(), X)
    torch.testing.assert_close(difference, X.prod() / X, rtol=1e-8, atol=1e-9)


def test_central_difference_moves_a_copy():
    """The function may use the tensor by its name too, as a constant."""
    torch.testing.assert_close(gradients.central_difference(lambda x: (x * X).sum(), X), X, rtol=1e-8, atol=1e-8)


def test_central_difference_leaves_the_tensor_alone():
    before, view = X.clone(), X.t()
    difference = gradients.central_difference(lambda x: (x**3).sum(), view)
    torch.testing.assert_close(difference, 3 * view**2, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(X, before, rtol=0, atol=0)


@pytest.mark.parametrize(("value", "shape"), [(3.0, ()), (None, (0, 2))])
def test_central_difference_of_one_number_and_of_none(value, shape):
    tensor = torch.zeros(shape, dtype=torch.float64) if value is None else torch.tensor(value, dtype=torch.float64)
    assert gradients.central_difference(lambda x: float((x**2).sum()), tensor).shape == shape


def test_central_difference_takes_a_step():
    """A parabola's central difference is exact whatever the step, a cubic's is off by its square."""
    x = torch.tensor([1.0], dtype=torch.float64)
    assert gradients.central_difference(lambda x: x**3, x, step=0.5).item() == pytest.approx(3.25)


def test_relative_error_by_hand():
    a, b = torch.tensor([1.0, 10.0, 0.0]), torch.tensor([1.5, 10.0, 0.0])
    assert gradients.relative_error(a, b) == pytest.approx(0.5 / 1.5)
    assert gradients.relative_error(torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1e-9])) == pytest.approx(1e-6)
    assert gradients.relative_error(a, a) == 0
    assert gradients.relative_error(torch.zeros(0), torch.zeros(0)) == 0
    nan = torch.tensor([1.0, float("nan"), 0.0])
    assert gradients.relative_error(a, nan) != gradients.relative_error(a, nan)  # NaN is no number, not even itself


def test_check_returns_a_row_for_each_tensor():
    table = gradients.check(product, X, WEIGHT, backward=product_backward)
    assert [(row.tensor, row.shape) for row in table.rows] == [("x", (2, 3)), ("weight", (3, 2))]
    assert all(row.autograd < 1e-9 and row.backward < 1e-9 for row in table.rows)
    assert str(table).splitlines()[0].split() == ["tensor", "shape", "autograd", "backward"]
    frame = table.to_frame()
    assert list(frame.index) == ["x", "weight"]
    assert list(frame.columns) == ["shape", "autograd", "backward"]


def test_check_hands_labels_on():
    def pick(scores, labels):
        return scores.gather(1, labels[:, None]).sum()

    table = gradients.check(pick, X, torch.tensor([2, 0]))
    assert [(row.tensor, row.backward) for row in table.rows] == [("scores", None)]
    assert "-" in str(table)


def test_check_counts_an_unused_tensor_as_a_gradient_of_zero():
    table = gradients.check(lambda used, unused: used**2, X, WEIGHT)
    assert table.rows[1].autograd == 0


def wrong_sign(grad_output, x, weight):
    gradient_x, gradient_weight = product_backward(grad_output, x, weight)
    gradient_weight[2, 1] *= -1
    return gradient_x, gradient_weight


def one_nan(grad_output, x, weight):
    gradient_x, gradient_weight = product_backward(grad_output, x, weight)
    gradient_x[1, 0] = float("nan")
    return gradient_x, gradient_weight


@pytest.mark.parametrize(
    ("backward", "message"),
    [
        (wrong_sign, r"gradient of weight from backward is off at \(2, 1\): it is .*, but central differences give"),
        (one_nan, r"gradient of x from backward is off at \(1, 0\): it is nan"),
        (lambda g, x, w: (None, x.T @ g), "gradient of x from backward is None"),
        (lambda g, x, w: (g @ w.T, g.T @ x), r"gradient of weight from backward is a tensor of shape \(2, 3\)"),
    ],
)
def test_check_says_where_a_backward_is_wrong(backward, message):
    with pytest.raises(gradients.GradientError, match=message):
        gradients.check(product, X, WEIGHT, backward=backward)


def test_check_catches_a_wrong_autograd():
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x**2

        @staticmethod
        def backward(ctx, grad_output):
            return grad_output * 2

    with pytest.raises(gradients.GradientError, match="gradient of tensor 0 from autograd is off"):
        gradients.check(lambda *tensors: Wrong.apply(*tensors), X)


def test_the_default_upstream_gradient_shows_a_forgotten_one():
    """With ones upstream a backward that ignores its upstream gradient would pass."""
    with pytest.raises(gradients.GradientError):
        gradients.check(lambda x: x**2, X, backward=lambda grad_output, x: 2 * x)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gradients.central_difference(lambda x: x.sum(), torch.tensor([1])), TypeError, "int64"),
        (lambda: gradients.central_difference(lambda x: x, X), ValueError, r"one number.*\(2, 3\)"),
        (lambda: gradients.central_difference(lambda x: x.sum(), X, step=0.0), ValueError, "step=0.0"),
        (lambda: gradients.relative_error(X, X.T), ValueError, r"\(2, 3\) and \(3, 2\)"),
        (lambda: gradients.check(lambda x: x, X.float()), TypeError, r"x \(torch.float32\)"),
        (lambda: gradients.check(lambda x: x, torch.tensor([1])), TypeError, "no floating-point tensor came"),
        (lambda: gradients.check(lambda x: x, X, names=["a", "b"]), ValueError, "1 tensors came with 2 names"),
        (lambda: gradients.check(lambda x: x, X, grad_output=X.T), ValueError, r"\(2, 3\), but came as \(3, 2\)"),
        (lambda: gradients.check(product, X, WEIGHT, backward=lambda g, x, w: g), ValueError, "1 gradients for 2"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
