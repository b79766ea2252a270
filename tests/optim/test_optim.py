"""The optimizers end where PyTorch's end, from the same start and with the same gradients."""

import copy
import inspect
import pickle
from pathlib import Path

import pytest
import torch

from glassbox import optim
from tests.optim import records
from tests.optim.records import RECORDS

CASES = [(name, options) for name, record in RECORDS.items() for options in record.options]
LINE = inspect.getsource(records).partition("\nRECORDS = ")[0].count("\n") + 2
MOMENTUM_OR_MEANS = [(name, record.remembers) for name, record in RECORDS.items()]


def case_id(case):
    return f"{case[0]}({', '.join(f'{key}={value}' for key, value in case[1].items())})"


def make_parameters(dtype=torch.float64, device="cpu"):
    """Three parameters of different shapes, the same at every call; the third gets a gradient only at odd steps."""
    generator = torch.Generator().manual_seed(0)
    return [
        torch.nn.Parameter(torch.randn(shape, generator=generator, dtype=torch.float64).to(device, dtype))
        for shape in [(4, 3), (), (2, 1, 3)]
    ]


def set_gradients(parameters, step):
    """Give gradients that depend on the parameters, so that errors of the update add up."""
    for index, parameter in enumerate(parameters):
        skipped = index == 2 and step % 2 == 0
        parameter.grad = None if skipped else (parameter.detach() * (index + 1) + (step * 0.7 + index)).sin()


def run(optimizer, parameters, steps, first=0):
    for step in range(first, first + steps):
        set_gradients(parameters, step)
        optimizer.step()


def without_record(package, known):
    return [
        f"optim.{name} has no record, so nothing tests it: add one to RECORDS in tests/optim/records.py, line {LINE}"
        for name in package.__all__
        if name not in known
    ]


def test_each_optimizer_has_a_record():
    missing = without_record(optim, RECORDS)
    assert not missing, "\n".join(missing)
    for name, record in RECORDS.items():
        assert record.options, f"the record of {name} compares nothing with torch: give its options"
        assert record.errors, f"the record of {name} refuses nothing: give its errors"


def test_a_missing_record_is_noticed():
    (said,) = without_record(optim, RECORDS.keys() - {"Adam"})
    assert said.startswith("optim.Adam has no record")
    assert Path(records.__file__).read_text("utf-8").splitlines()[LINE - 1].startswith("RECORDS")


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_same_parameters_as_torch_after_100_steps(case):
    name, options = case
    ours, theirs = make_parameters(), make_parameters()
    run(getattr(optim, name)(ours, **options), ours, steps=100)
    run(getattr(torch.optim, name)(theirs, **options), theirs, steps=100)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_low_precision_keeps_its_dtype(name, dtype):
    ours, theirs = make_parameters(dtype), make_parameters(dtype)
    run(getattr(optim, name)(ours, lr=0.01), ours, steps=10)
    run(getattr(torch.optim, name)(theirs, lr=0.01), theirs, steps=10)
    tolerance = {torch.float32: 1e-6, torch.bfloat16: 2e-2}[dtype]
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
@pytest.mark.parametrize("lr", [0.01, torch.tensor(0.01)], ids=["float", "tensor"])
@pytest.mark.parametrize("amsgrad", [False, True])
def test_capturable_takes_the_same_steps(name, lr, amsgrad):
    """PyTorch refuses capturable=True on the CPU: the reference is its ordinary setting."""
    ours, theirs = make_parameters(), make_parameters()
    run(getattr(optim, name)(ours, lr=lr, amsgrad=amsgrad, weight_decay=0.1, capturable=True), ours, steps=100)
    run(getattr(torch.optim, name)(theirs, lr=0.01, amsgrad=amsgrad, weight_decay=0.1), theirs, steps=100)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)  # the count is a float32, as in PyTorch


@pytest.mark.parametrize("case", MOMENTUM_OR_MEANS, ids=case_id)
@pytest.mark.parametrize("direction", ["ours to torch", "torch to ours"])
def test_state_moves_between_torch_and_us(case, direction):
    name, options = case
    packages = [optim, torch.optim] if direction == "ours to torch" else [torch.optim, optim]
    before, after = (getattr(package, name) for package in packages)
    parameters = make_parameters()
    first = before(parameters, **options)
    run(first, parameters, steps=7)
    reference = [copy.deepcopy(parameter) for parameter in parameters]
    second, untouched = after(parameters, lr=123.0), before(reference, **options)
    second.load_state_dict(first.state_dict())
    untouched.load_state_dict(copy.deepcopy(first.state_dict()))

    run(second, parameters, steps=7, first=7)
    run(untouched, reference, steps=7, first=7)

    torch.testing.assert_close(parameters, reference, rtol=1e-12, atol=1e-13)
    for ours, theirs in zip(
        second.state_dict()["state"].values(), untouched.state_dict()["state"].values(), strict=True
    ):
        assert ours.keys() == theirs.keys()
    assert second.state_dict()["param_groups"][0].keys() == untouched.state_dict()["param_groups"][0].keys()


@pytest.mark.parametrize("case", MOMENTUM_OR_MEANS, ids=case_id)
def test_survives_pickling(case):
    name, options = case
    parameters = make_parameters()
    optimizer = getattr(optim, name)(parameters, **options)
    run(optimizer, parameters, steps=3)
    thawed = pickle.loads(pickle.dumps(optimizer))
    run(thawed, thawed.param_groups[0]["params"], steps=3, first=3)
    run(optimizer, parameters, steps=3, first=3)
    torch.testing.assert_close(thawed.param_groups[0]["params"], parameters)


def test_groups_have_their_own_options():
    results = []
    for package in (optim, torch.optim):
        parameters = make_parameters()
        groups = [{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.5, "momentum": 0.9}]
        run(package.SGD(groups, lr=0.1), parameters, steps=20)
        results.append(parameters)
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    "make_scheduler",
    [
        lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 5, gamma=0.3),
        lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=40),
        lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40),
    ],
    ids=["StepLR", "OneCycleLR", "CosineAnnealingLR"],
)
@pytest.mark.parametrize("name", RECORDS)
def test_follows_the_schedulers_of_torch(name, make_scheduler):
    results = []
    for package in (optim, torch.optim):
        parameters = make_parameters()
        options = {"momentum": 0.9} if name == "SGD" else {}
        optimizer = getattr(package, name)(parameters, lr=0.05, **options)
        scheduler = make_scheduler(optimizer)
        for step in range(40):
            set_gradients(parameters, step)
            optimizer.step()
            scheduler.step()
        results.append(parameters)
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-13)


def test_closure_computes_with_gradients_and_its_loss_comes_back():
    parameter = torch.nn.Parameter(torch.tensor([3.0]))
    optimizer = optim.SGD([parameter], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (parameter**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 9.0
    assert parameter.item() == pytest.approx(2.4)


def test_a_step_without_gradients_changes_nothing():
    parameters = make_parameters()
    for name in RECORDS:
        getattr(optim, name)(parameters).step()
    torch.testing.assert_close(parameters, make_parameters(), rtol=0, atol=0)


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_gradients_are_left_as_they_came(case):
    """The update must not write into a gradient, which gradient accumulation still needs, nor keep it as its own."""
    name, options = case
    parameters = make_parameters()
    optimizer = getattr(optim, name)(parameters, **options)
    gradients = [torch.full_like(parameter, 0.5) for parameter in parameters]
    for _ in range(3):
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()
    torch.testing.assert_close(gradients, [torch.full_like(gradient, 0.5) for gradient in gradients], rtol=0, atol=0)


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("foreach", [True, False])
def test_foreach_of_torch_is_accepted_and_changes_nothing(name, foreach):
    ours, plain = make_parameters(), make_parameters()
    run(getattr(optim, name)(ours, lr=0.01, foreach=foreach), ours, steps=5)
    run(getattr(optim, name)(plain, lr=0.01), plain, steps=5)
    torch.testing.assert_close(ours, plain, rtol=0, atol=0)


@pytest.mark.parametrize("name", RECORDS)
def test_a_gradient_beyond_the_largest_number_leaves_what_torch_leaves(name):
    """A square that overflows is an infinite v, which a finite gradient afterwards does not turn into no number."""
    ours, theirs = ([torch.nn.Parameter(torch.ones(2))] for _ in range(2))
    for package, parameters in ((optim, ours), (torch.optim, theirs)):
        optimizer = getattr(package, name)(parameters, lr=0.01)
        for gradient in (1e30, 1.0, 1.0):
            parameters[0].grad = torch.tensor([gradient, 1.0])
            optimizer.step()
    torch.testing.assert_close(ours, theirs)


def test_adamw_stays_adamw_with_the_state_of_adam():
    parameters = make_parameters()
    optimizer = optim.AdamW(parameters)
    optimizer.load_state_dict(optim.Adam(parameters).state_dict())
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is True


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [(name, *wrong) for name, record in RECORDS.items() for wrong in record.errors],
)
def test_bad_options_are_named(name, options, error, message):
    with pytest.raises(error, match=message):
        getattr(optim, name)(make_parameters(), **options)


@pytest.mark.parametrize("name", RECORDS)
def test_sparse_gradients_and_complex_parameters_are_refused(name):
    parameter = torch.nn.Parameter(torch.zeros(3, 2))
    optimizer = getattr(optim, name)([parameter])
    parameter.grad = torch.sparse_coo_tensor(torch.tensor([[0]]), torch.ones(1, 2), (3, 2), check_invariants=True)
    with pytest.raises(NotImplementedError, match=r"shape \(3, 2\) is sparse"):
        optimizer.step()
    with pytest.raises(NotImplementedError, match="complex64"):
        getattr(optim, name)([torch.nn.Parameter(torch.zeros(2, dtype=torch.complex64))])


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_same_parameters_as_torch_on_a_gpu(case):
    name, options = case
    ours, theirs = make_parameters(device="cuda"), make_parameters(device="cuda")
    run(getattr(optim, name)(ours, **options), ours, steps=100)
    run(getattr(torch.optim, name)(theirs, **options), theirs, steps=100)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-11)


@pytest.mark.gpu
@pytest.mark.parametrize("name", RECORDS)
def test_a_cuda_graph_goes_on_counting_and_reads_the_rate_anew(name):
    def train(optimizer_class, *, graph):
        parameter = torch.nn.Parameter(torch.tensor([3.0, -2.0], device="cuda"))
        lr = torch.tensor(0.05, device="cuda")
        options = {"momentum": 0.9} if name == "SGD" else {"capturable": True}
        optimizer = optimizer_class([parameter], lr=lr, **options)
        parameter.grad = torch.zeros_like(parameter)

        def step():
            parameter.grad.copy_(2 * parameter.detach())
            optimizer.step()

        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(stream)
        if graph:
            recording = torch.cuda.CUDAGraph()
            with torch.cuda.graph(recording):
                step()
        for index in range(10):
            if index == 5:
                lr.fill_(0.01)
            recording.replay() if graph else step()
        return parameter.detach()

    ours = train(getattr(optim, name), graph=True)
    torch.testing.assert_close(ours, train(getattr(torch.optim, name), graph=False))


@pytest.mark.gpu
def test_recording_without_capturable_is_refused():
    parameter = torch.nn.Parameter(torch.ones(2, device="cuda"))
    parameter.grad = torch.ones_like(parameter)
    optimizer = optim.Adam([parameter])
    optimizer.step()
    with pytest.raises(RuntimeError, match="capturable=True"), torch.cuda.graph(torch.cuda.CUDAGraph()):
        optimizer.step()
