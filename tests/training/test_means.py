"""A mean is over what the loss averages over, whatever the batches; and the caller's data stay as they are."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import glassbox.nn
from glassbox.training import DivergenceError, evaluate, fit
from tests.training.runs import assert_same_weights, blobs, network
from tests.training.test_fit import Recorder, fit_on_cpu, sgd

F = nn.functional
WEIGHTS = torch.tensor([1.0, 5.0, 0.1])


def partly_ignored(label: int, count: int = 50) -> tuple[Tensor, Tensor]:
    """Examples of which the first twenty are ignored, so that whole batches are, and every third of the others."""
    inputs, labels = blobs(count)
    labels = labels.clone()
    labels[:20] = labels[20::3] = label
    return inputs, labels


LOSSES: dict[str, tuple[Any, int]] = {
    "mean": (nn.CrossEntropyLoss(), 7),
    "class weights": (nn.CrossEntropyLoss(WEIGHTS), 7),
    "class weights, ours": (glassbox.nn.CrossEntropyLoss(WEIGHTS), 7),
    "smoothed class weights": (nn.CrossEntropyLoss(WEIGHTS, label_smoothing=0.2), 7),
    "ignored": (nn.CrossEntropyLoss(), -100),
    "ignored, ours": (glassbox.nn.CrossEntropyLoss(), -100),
    "ignored and weights": (nn.CrossEntropyLoss(WEIGHTS, ignore_index=255), 255),
    "ignored class": (nn.CrossEntropyLoss(WEIGHTS, ignore_index=1), 1),
    "partial": (partial(F.cross_entropy, weight=WEIGHTS, ignore_index=255), 255),
    "partial of a partial, ours": (
        partial(partial(glassbox.nn.functional.cross_entropy, ignore_index=255), weight=WEIGHTS),
        255,
    ),
    "function": (F.cross_entropy, -100),
    "lambda": (lambda outputs, labels: F.cross_entropy(outputs, labels, WEIGHTS, ignore_index=255), 255),
}


def data_for(ignored: int) -> tuple[Tensor, Tensor]:
    return blobs(50) if ignored == 7 else partly_ignored(ignored)


@pytest.mark.parametrize("batch_size", [1, 7, 500])
@pytest.mark.parametrize("name", LOSSES)
def test_evaluate_gives_the_loss_of_all_examples_at_once(name: str, batch_size: int) -> None:
    loss, ignored = LOSSES[name]
    inputs, labels = data_for(ignored)
    model = network().eval()
    result = evaluate(model, (inputs, labels), loss=loss, batch_size=batch_size, device="cpu")
    with torch.no_grad():
        outputs = model(inputs)
    assert result.loss == pytest.approx(loss(outputs, labels).item(), rel=1e-5)
    counted = labels != ignored
    right = (outputs.argmax(1) == labels)[counted].double()
    assert result.accuracy == pytest.approx(right.mean().item())
    per_class = [right[labels[counted] == number].mean().item() for number in range(3)]
    assert result.per_class_accuracy is not None
    assert result.per_class_accuracy.tolist() == pytest.approx(per_class, nan_ok=True)


def test_labels_in_bytes_are_not_taken_for_ignored_ones() -> None:
    """In 8 bits without a sign, -100 and 156 are one."""
    inputs, labels = torch.rand(6, 4), torch.full((6,), 156, dtype=torch.uint8)
    model = nn.Linear(4, 200)
    result = evaluate(model, (inputs, labels), loss=nn.CrossEntropyLoss(), device="cpu")
    with torch.no_grad():
        assert result.loss == pytest.approx(F.cross_entropy(model(inputs), labels.long()).item(), rel=1e-5)
    assert result.accuracy is not None


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_segmentation(reduction: str) -> None:
    """A label per pixel: images with fewer of them count for less."""
    images = torch.rand(5, 2, 4, 4)
    labels = torch.randint(3, (5, 4, 4))
    labels[0, 1:] = labels[3] = 255
    model = nn.Conv2d(2, 3, 1)
    loss = nn.CrossEntropyLoss(WEIGHTS, ignore_index=255, reduction=reduction)
    result = evaluate(model, (images, labels), loss=loss, batch_size=2, device="cpu")
    with torch.no_grad():
        outputs = model(images)
        expected = F.cross_entropy(outputs, labels, WEIGHTS, ignore_index=255)
    counted = labels != 255
    assert result.loss == pytest.approx(expected.item(), rel=1e-5)
    assert result.accuracy == pytest.approx((outputs.argmax(1) == labels)[counted].double().mean().item())
    assert result.per_class_accuracy is not None
    assert result.per_class_accuracy.shape == (3,)


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "lambda"])
def test_an_epoch_is_a_torch_loop_with_the_weighted_mean(name: str) -> None:
    """Also where a batch is ignored as a whole: that updates by a gradient of zero, and is no divergence."""
    loss, ignored = LOSSES[name]
    inputs, labels = data_for(ignored)
    ours, theirs, recorder = network(), network(), Recorder()
    history = fit_on_cpu(
        ours, (inputs, labels), loss=loss, optimizer=sgd, batch_size=3, augment=recorder, validation=(inputs, labels)
    )
    optimizer, total, weight, right, answers = sgd(theirs.parameters()), 0.0, 0.0, 0, 0
    for batch in recorder.batches:
        rows = (batch.unsqueeze(1) == inputs).all(2).nonzero()[:, 1]
        outputs, targets = theirs(batch), labels[rows]
        value = loss(outputs, targets)
        counted = targets[targets != ignored]
        options = loss.keywords if isinstance(loss, partial) else vars(loss) | getattr(loss, "_buffers", {})
        per_class = options.get("weight")
        weighs = len(counted) if per_class is None else per_class[counted].sum().item()
        total += value.item() * weighs if weighs else 0.0
        weight += weighs
        right += int((outputs.argmax(1)[targets != ignored] == counted).sum())
        answers += len(counted)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    assert_same_weights(ours, theirs)
    assert history[0].loss == pytest.approx(total / weight, rel=1e-5)
    assert history[0].accuracy == pytest.approx(right / answers)
    measured = evaluate(ours, (inputs, labels), loss=loss, batch_size=4, device="cpu")
    assert history[0].validation_loss == pytest.approx(measured.loss, rel=1e-6)
    assert history[0].validation_accuracy == measured.accuracy


ANSWERS = nn.functional.one_hot(blobs(50)[1], 3).float()


@pytest.mark.parametrize(
    ("loss", "task"),
    [
        (nn.BCEWithLogitsLoss(), None),
        (partial(F.binary_cross_entropy_with_logits, pos_weight=torch.ones(3)), None),
        (F.binary_cross_entropy_with_logits, None),
        (lambda outputs, targets: F.binary_cross_entropy_with_logits(outputs, targets), "multilabel"),
        (None, "multilabel"),
    ],
    ids=["module", "partial", "function", "lambda", "default"],
)
def test_yes_no_answers_have_an_accuracy_however_the_loss_comes(loss: Any, task: Any) -> None:
    data, model = (blobs(50)[0], ANSWERS), network().eval()
    result = evaluate(model, data, loss=loss, task=task, device="cpu")
    with torch.no_grad():
        expected = ((model(data[0]) > 0) == ANSWERS.bool()).double().mean(0)
    torch.testing.assert_close(result.per_class_accuracy, expected)
    row = fit_on_cpu(network(), data, loss=loss, task=task, validation=data)[-1]
    assert row.accuracy is not None
    assert row.validation_accuracy is not None


def test_probabilities_are_yes_above_one_half() -> None:
    inputs, model = blobs(50)[0], nn.Sequential(network(), nn.Sigmoid()).eval()
    result = evaluate(model, (inputs, ANSWERS), loss=nn.BCELoss(), device="cpu")
    with torch.no_grad():
        assert torch.equal(result.predictions, model(inputs) > 0.5)


def test_a_subclass_of_a_loss_is_asked_about_all_outputs() -> None:
    """Who computes something else may average over something else."""

    class Focal(nn.CrossEntropyLoss):
        def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
            rows = F.cross_entropy(outputs, targets, reduction="none")
            return (rows * (1 - (-rows).exp())).sum() / (targets == 1).sum()

    inputs, labels = blobs(50)
    model = network().eval()
    result = evaluate(model, (inputs, labels), loss=Focal(), batch_size=9, device="cpu")
    with torch.no_grad():
        assert result.loss == pytest.approx(Focal()(model(inputs), labels).item(), rel=1e-5)
    assert result.accuracy is not None


def test_a_loss_that_pairs_by_itself_may_take_other_shapes() -> None:
    inputs, _ = blobs(50)
    numbers = inputs[:, 0]
    for loss in (lambda o, t: F.mse_loss(o.squeeze(1), t), lambda o, t: (o[:, 0] - t).abs().mean()):
        expected = loss(nn.Linear(4, 1)(inputs), numbers)
        assert math.isfinite(expected.item())
        fit_on_cpu(nn.Linear(4, 1), (inputs, numbers), loss=loss)


def test_class_probabilities_have_a_loss_and_no_accuracy() -> None:
    inputs, probabilities = blobs(50)[0], ANSWERS * 0.8 + 0.2 / 3
    row = fit_on_cpu(network(), (inputs, probabilities), loss=nn.CrossEntropyLoss())[-1]
    assert row.accuracy is None
    result = evaluate(network(), (inputs, probabilities), loss=nn.CrossEntropyLoss(WEIGHTS), batch_size=7, device="cpu")
    with torch.no_grad():
        expected = F.cross_entropy(network()(inputs), probabilities, WEIGHTS)
    assert result.loss == pytest.approx(expected.item(), rel=1e-5)


class Overwriting(nn.Linear):
    def forward(self, inputs: Tensor) -> Tensor:
        inputs -= 0.1
        return super().forward(inputs)


class TestNobodysData:
    @pytest.mark.parametrize(
        "build",
        [lambda: nn.Sequential(nn.ReLU(inplace=True), network()), lambda: Overwriting(4, 3)],
        ids=["ReLU(inplace=True)", "x -= 0.1"],
    )
    def test_is_written_over(self, build: Callable[[], nn.Module]) -> None:
        inputs, labels = blobs(40)
        held, wanted = inputs.clone(), labels.clone()
        model = build()
        losses = {evaluate(model, (inputs, labels), batch_size=9, device="cpu").loss for _ in range(3)}
        assert len(losses) == 1
        fit_on_cpu(model, (inputs, labels), validation=(inputs, labels), epochs=2)
        assert torch.equal(inputs, held)
        assert torch.equal(labels, wanted)

    def test_is_written_over_by_a_loss(self) -> None:
        inputs, _ = blobs(40)
        targets = inputs[:, :3].clone()
        held = targets.clone()

        def loss(outputs: Tensor, targets: Tensor) -> Tensor:
            targets += 1
            return F.mse_loss(outputs, targets)

        evaluate(network(), (inputs, targets), loss=loss, device="cpu")
        fit_on_cpu(network(), (inputs, targets), loss=loss, validation=(inputs, targets))
        assert torch.equal(targets, held)

    def test_receives_a_gradient(self) -> None:
        inputs, labels = blobs(40)
        inputs.requires_grad_()
        fit_on_cpu(network(), (inputs, labels))
        assert inputs.grad is None


class TestValidationThatIsNotFinite:
    def test_is_an_error_and_good_weights_are_kept(self) -> None:
        inputs, _ = blobs(40)
        numbers = inputs[:, :3]
        model, rows = nn.Linear(4, 3), []
        with pytest.raises(DivergenceError, match=r"^the validation loss is inf at step 4.*That on the training data"):
            fit_on_cpu(model, (inputs, numbers), validation=(inputs * 1e30, numbers), on_epoch=rows.append)
        assert rows == []
        assert all(value.isfinite().all() for value in model.parameters())

    def test_never_reaches_json(self) -> None:
        history = fit_on_cpu(network(), partly_ignored(-100), validation=partly_ignored(-100), batch_size=2)

        def refuse(constant: str) -> None:
            raise AssertionError(constant)

        json.loads(history.to_json(), parse_constant=refuse)


class TestWhatIsLeftAsItIs:
    def test_parameters_that_the_optimizer_does_not_hold_are_named(self) -> None:
        model = network()
        before = model[3].weight.clone()
        with pytest.warns(UserWarning, match=r"the optimizer does not hold 3\.weight, 3\.bias of Sequential"):
            fit_on_cpu(model, blobs(), optimizer=sgd(model[0].parameters()))
        assert torch.equal(model[3].weight, before)
        model[3].requires_grad_(False)
        fit_on_cpu(model, blobs(), optimizer=sgd(model[0].parameters()))

    def test_parameters_that_the_loss_does_not_depend_on_are_named(self) -> None:
        class Forgetful(nn.Linear):
            def __init__(self) -> None:
                super().__init__(4, 3)
                self.lost = nn.Parameter(torch.ones(2))

        with pytest.warns(UserWarning, match=r"the loss does not depend on lost of Forgetful, which stay as they are"):
            fit_on_cpu(Forgetful(), blobs())


def test_seeds_up_to_two_to_the_63() -> None:
    first, same, other = network(), network(), network()
    seeds = {first: 2**63 - 1, same: 2**63 - 1, other: 1_790_000_000_000_000_000}
    for model, seed in seeds.items():
        fit_on_cpu(model, blobs(), seed=seed)
    assert_same_weights(first, same)
    assert not torch.equal(first[0].weight, other[0].weight)


def test_the_checks_leave_gradients_statistics_and_hooks_alone() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    model(blobs(8)[0]).sum().backward()
    held = [parameter.grad for parameter in model.parameters()]
    values = [gradient.clone() for gradient in held]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    fit(model, blobs(40), epochs=0, batch_size=4, device="cpu", optimizer=sgd)
    assert all(parameter.grad is gradient for parameter, gradient in zip(model.parameters(), held, strict=True))
    torch.testing.assert_close(held, values, rtol=0, atol=0)
    torch.testing.assert_close(dict(model.state_dict()), state, rtol=0, atol=0)


def test_lazy_layers_are_built_by_the_trial() -> None:
    model = nn.Sequential(nn.LazyLinear(5), nn.ReLU(), nn.LazyLinear(3))
    assert fit_on_cpu(model, blobs(), epochs=2)[-1].loss > 0
    assert model[0].weight.shape == (5, 4)
