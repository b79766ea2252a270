import math

import pytest
import torch
from torch import nn

import glassbox.nn
from glassbox import tracing
from glassbox.tracing import trace
from tests.nn.records import LAYERS, parameters


def digits_model():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 2, 2, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2 * 4 * 4, 3), nn.Softmax(1)
    )


def test_each_record_holds_what_a_manual_forward_gives():
    model, x = digits_model(), torch.rand(2, 1, 8, 8)
    inside = trace(model, x)
    assert list(inside) == ["0", "1", "2", "3", "4", "5"]
    for layer, record in zip(model, inside.values(), strict=True):
        torch.testing.assert_close(record.input, x, rtol=0, atol=0)
        x = layer(x).detach()
        torch.testing.assert_close(record.output, x, rtol=0, atol=0)
        assert (record.kind, record.shape) == (type(layer).__name__, tuple(x.shape))
    torch.testing.assert_close(inside.output, x, rtol=0, atol=0)


def test_one_image_is_traced_as_a_batch_of_one():
    assert trace(digits_model(), torch.rand(1, 8, 8))["0"].shape == (1, 2, 9, 9)
    assert trace(nn.Linear(3, 2), torch.rand(3))["Linear"].shape == (2,)


def test_the_table_counts_every_parameter_once():
    shared = nn.Linear(4, 4)
    inside = trace(nn.Sequential(shared, nn.ReLU(), shared), torch.rand(1, 4))
    table = inside.to_frame()
    assert list(table.index) == ["0", "1", "0#2", "total"]
    assert list(table["parameters"]) == [20, 0, 0, 20]
    assert list(table.columns) == ["kind", "input shape", "output shape", "parameters"]
    assert str(inside).splitlines()[-1].split() == ["total", "20"]
    assert "<table" in inside._repr_html_()
    assert repr(inside["0"]) == "0: Linear (1, 4) -> (1, 4), 20 parameters"


class Holder(nn.Module):
    """A module as one finds them: layers inside layers, a parameter of its own, a function between two layers."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.BatchNorm1d(3), nn.ReLU(inplace=True))
        self.scale = nn.Parameter(torch.tensor(2.0))
        self.last = nn.Linear(3, 1)

    def forward(self, x):
        return self.last(torch.tanh(self.inner(x)) * self.scale)


def test_layers_inside_layers_and_functions_between_them():
    model = Holder().eval()
    inside = trace(model, torch.randn(4, 3))
    assert list(inside) == ["inner.0", "inner.1", "inner.2", "inner.3", "last", "Holder"]
    torch.testing.assert_close(inside["last"].input, torch.tanh(inside["inner.3"].output) * 2)
    assert inside["Holder"].parameters == 1
    assert inside.parameters == sum(p.numel() for p in model.parameters())


def test_a_layer_that_works_in_place_overwrites_nothing_that_is_kept():
    inside = trace(Holder().eval(), torch.randn(16, 3))
    assert inside["inner.2"].output.min() < 0 <= inside["inner.3"].output.min()
    assert inside["inner.3"].input.min() < 0


def test_looking_changes_nothing():
    model, x = Holder(), torch.randn(4, 3)
    model(x).sum().backward()
    model.inner.eval()
    modes = [module.training for module in model.modules()]
    model.inner[2].train()
    modes[[*model.modules()].index(model.inner[2])] = True
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    gradients = [p.grad.clone() for p in model.parameters()]
    before = torch.get_rng_state()

    model.inner[1].train()
    trace(model, x, loss=torch.sum)
    model.inner[1].eval()

    assert torch.equal(torch.get_rng_state(), before)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), gradients, strict=True))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert not x.requires_grad


def test_records_do_not_follow_the_model_when_it_learns():
    layer = nn.Linear(2, 1)
    inside = trace(layer, torch.ones(1, 2))
    before = inside["Linear"].terms(0, 0).total
    with torch.no_grad():
        layer.weight.add_(1)
    assert inside["Linear"].terms(0, 0).total == before


def test_gradients_are_those_of_autograd():
    torch.manual_seed(1)
    model, x, labels = Holder().double().eval(), torch.randn(4, 3).double(), torch.rand(4, 1).double()
    inside = trace(model, x, loss=lambda output: ((output - labels) ** 2).mean())

    normalized = model.inner[:3](x).detach().requires_grad_()
    hidden = torch.relu(normalized)
    hidden.retain_grad()
    output = model.last(torch.tanh(hidden) * model.scale)
    output.retain_grad()
    ((output - labels) ** 2).mean().backward()
    torch.testing.assert_close(inside["inner.2"].gradient, normalized.grad)
    torch.testing.assert_close(inside["inner.3"].gradient, hidden.grad)
    torch.testing.assert_close(inside["last"].gradient, output.grad)
    assert trace(model, x)["last"].gradient is None


def test_a_frozen_model_still_has_gradients():
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU()).requires_grad_(False)
    assert trace(model, torch.rand(1, 3), loss=torch.sum)["0"].gradient.shape == (1, 2)


def test_several_inputs_and_outputs_are_kept_as_tuples():
    inside = trace(nn.Sequential(nn.LSTM(3, 2)), torch.rand(5, 1, 3))
    assert inside["0"].shape == ((5, 1, 2), ((1, 1, 2), (1, 1, 2)))


def test_bad_input_is_told_in_words():
    model = digits_model()
    with pytest.raises(TypeError, match=r"expects a torch\.nn\.Module as model, got type"):
        trace(nn.Linear, torch.rand(1))
    with pytest.raises(TypeError, match=r"expects a tensor as input, got list: try torch\.as_tensor"):
        trace(model, [1.0])
    with pytest.raises(ValueError, match="expects one number from loss, got shape"):
        trace(model, torch.rand(1, 8, 8), loss=lambda output: output)
    with pytest.raises(ValueError, match="expects one number from loss, got float"):
        trace(model, torch.rand(1, 8, 8), loss=lambda output: 1.0)
    with pytest.raises(KeyError, match="no layer 'conv1' was called; the layers are 0, 1"):
        trace(model, torch.rand(1, 8, 8))["conv1"]
    with pytest.raises(RuntimeError) as caught:
        trace(model, torch.rand(1, 9, 12))
    assert "had finished are ['0', '1', '2', '3']" in caught.value.__notes__[0]
    assert not any(module._forward_hooks for module in model.modules())


EXPLAINED = [row for row in LAYERS if row.shape and 0 not in row.shape and not row.options.get("return_indices")]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize(("library", "training"), [(glassbox.nn, True), (nn, False)], ids=["training", "evaluating"])
@pytest.mark.parametrize("row", parameters(EXPLAINED))
def test_the_terms_make_the_value(row, library, training):
    """Of up to twenty numbers of each layer that has a record, spread over its output; PyTorch's own are evaluating."""
    layer = row.build(library).train(training)
    (images,) = row.inputs()
    record = trace(nn.Sequential(layer), images)["0"]
    places = torch.cartesian_prod(*map(torch.arange, record.shape)).reshape(-1, len(record.shape))
    for index in places[:: -(-len(places) // 20)].tolist():
        explanation = record.terms(*index)
        assert explanation.value == record.output[tuple(index)].item()
        assert math.isclose(explanation.total, explanation.value, rel_tol=1e-12, abs_tol=1e-12), explanation
        for term in explanation.terms:
            assert term.value == (0.0 if term.index is None else record.input[term.index].item())


def test_a_layer_of_a_derived_class_is_explained_as_its_parent():
    class Doubled(nn.Linear):
        pass

    record = trace(Doubled(2, 1), torch.ones(1, 2))["Doubled"]
    assert record.terms(0, 0).kind == "Doubled"


def test_padding_is_shown_as_padding():
    layer = nn.Conv2d(1, 1, 2, padding=1)
    explanation = trace(layer, torch.rand(1, 4, 4))["Conv2d"].terms(0, 0, 0)
    assert [term.index for term in explanation.terms] == [None, None, None, (0, 0, 0, 0)]
    assert str(explanation).count("padding") == 3
    assert "-0\n" not in str(explanation)
    zero = str(trace(nn.ReLU(), torch.tensor([-2.0, 3.0]))["ReLU"].terms(0)).splitlines()[2]
    assert zero.split() == ["zero", "0", "0"]


def test_only_a_layer_with_a_bias_shows_one():
    for bias in (True, False):
        record = trace(nn.Linear(2, 1, bias=bias), torch.rand(1, 2))["Linear"]
        assert ("bias" in str(record.terms(0, 0))) is bias


def test_an_explanation_prints_as_a_table():
    record = trace(digits_model(), torch.rand(1, 8, 8))["4"]
    explanation = record.terms(2)
    assert explanation.index == (0, 2)
    assert len(str(explanation).splitlines()) == 2 + 32 + 2
    assert list(explanation.to_frame().columns) == ["index", "value", "weight", "contribution"]
    assert len(explanation.to_frame()) == 32

    wide = str(trace(nn.Linear(100, 1), torch.rand(1, 100))["Linear"].terms(0, 0))
    assert "68 smaller ones" in wide
    assert len(wide.splitlines()) == 2 + 32 + 3

    share = trace(digits_model(), torch.rand(1, 8, 8))["5"].terms(-1)
    assert str(share).splitlines()[0].endswith("the share of the last column")
    assert (share.index, share.own, len(share.terms)) == ((0, 2), 2, 3)


def test_nan_goes_through_a_maximum():
    record = trace(nn.MaxPool2d(2), torch.tensor([[[[1.0, math.nan], [2.0, 3.0]]]]))["MaxPool2d"]
    assert math.isnan(record.terms(0, 0, 0, 0).total)


def test_questions_that_have_no_answer():
    inside = trace(digits_model(), torch.rand(2, 1, 8, 8))
    with pytest.raises(IndexError, match=r"expects 4 indices .* shape \(2, 2, 9, 9\), got \(0, 1, 2\)"):
        inside["0"].terms(0, 1, 2)
    with pytest.raises(IndexError, match=r"shape \(2, 2, 9, 9\), got \(0, 2, 0, 0\)"):
        inside["0"].terms(0, 2, 0, 0)
    with pytest.raises(NotImplementedError, match=r"terms expects .* AvgPool2d, .* got GELU"):
        trace(nn.GELU(), torch.rand(1, 2))["GELU"].terms(0, 0)
    with pytest.warns(UserWarning, match="Implicit dimension choice"):
        record = trace(nn.Softmax(), torch.rand(1, 2))["Softmax"]
    with pytest.raises(NotImplementedError, match="expects a softmax that was given its dim"):
        record.terms(0, 0)


def test_the_former_name_warns():
    record = trace(nn.Linear(2, 1), torch.rand(1, 2))["Linear"]
    with pytest.warns(DeprecationWarning, match=r"record\.terms\(\*index\)"):
        assert tracing.explain(record, (0, 0)) == record.terms(0, 0)
    with (
        pytest.warns(DeprecationWarning, match="explain"),
        pytest.raises(TypeError, match=r"expects a record, got Tensor"),
    ):
        tracing.explain(torch.rand(2), 0)


def test_our_layers_are_explained_like_those_of_torch():
    from glassbox.nn import BatchNorm2d, Conv2d, Linear, MaxPool2d, Softmax

    torch.manual_seed(0)
    model = nn.Sequential(
        Conv2d(2, 3, 3, padding=1), BatchNorm2d(3), MaxPool2d(2), nn.Flatten(), Linear(12, 4), Softmax(1)
    ).double()
    for record in trace(model, torch.rand(2, 2, 5, 5, dtype=torch.float64)).values():
        explanation = record.terms(*(size - 1 for size in record.shape))
        assert math.isclose(explanation.total, explanation.value, rel_tol=1e-12, abs_tol=1e-12)
