"""What a model, data or a function is, in a line that another one does not have and that every process finds again."""

from __future__ import annotations

import functools
import hashlib
import inspect
import platform
import random
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import default_collate

from glassbox.training.batches import DatasetRows, Rows
from glassbox.training.device import random_numbers_kept

SAMPLES = 100
"""Items of a dataset that are read to tell it from another one."""
DEPTH = 4
"""How far functions that a function uses, and what they hold, are looked into."""
PLAIN = str | int | float | complex | bytes | tuple | frozenset | None
CODE = re.compile(r" \[code [0-9a-f]{8}\]")
"""What stands after the name of a function: it changes with the version of Python, too."""


def environment(device: torch.device) -> dict[str, str]:
    """Say what does not change a run, but may change the last bits of its numbers."""
    described = {"torch": torch.__version__, "Python": ".".join(platform.python_version_tuple()[:2])}
    if device.type == "cuda":
        return described | {"GPU": torch.cuda.get_device_name(device)}
    threads, instructions = torch.get_num_threads(), torch.backends.cpu.get_cpu_capability()
    return described | {"threads": str(threads), "instructions of the processor": str(instructions)}


def of_model(model: nn.Module) -> dict[str, str]:
    """Describe each layer, each tensor, and the weights that do not learn."""
    described = {}
    for name, module in model.named_modules():
        described[f"layer {name}" if name else "model"] = _of_module(module)
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    for name, value in model.state_dict().items():
        described[f"tensor {name}"] = f"{tuple(value.shape)} {value.dtype}{', does not learn' * (name in frozen)}"
    if frozen:
        still = [value for name, value in model.named_parameters() if name in frozen]
        described["weights that do not learn"] = of_tensors(still)
    return described


def _of_module(module: nn.Module) -> str:
    """Describe a layer without those in it; one of the user's own by its plain attributes and its code, too."""
    kind, inside = type(module), [_without_addresses(module.extra_repr())]
    if not _is_library(kind):
        plain = {name: value for name, value in vars(module).items() if isinstance(value, PLAIN)}
        inside += [
            f"{name}={value!r}" for name, value in sorted(plain.items()) if name[0] != "_" and name != "training"
        ]
    return f"{kind.__name__}({', '.join(filter(None, inside))}){_own_code(kind, 'forward')}"


def of_rows(rows: Rows) -> str:
    """Describe data: tensors by the checksum of all of them, a dataset by that of some items."""
    if isinstance(rows, DatasetRows):
        return f"{len(rows)} items of {type(rows.dataset).__name__}, {_of_items(rows.dataset, len(rows))}"
    return f"{tuple(rows.inputs.shape)} {rows.inputs.dtype}, {of_tensors([rows.targets, rows.inputs])}"


def _of_items(dataset: Any, count: int) -> str:
    """Read items from all over a dataset, each twice: what is random in its own way cannot be compared."""
    digests: list[str] = []
    for index in sorted({count * place // SAMPLES for place in range(SAMPLES)} | {count - 1}):
        first, again = (_of_item(dataset, index) for _ in range(2))
        digests.append(first if first == again else "random")
    return f"SHA-256 of {len(digests)} of them {_digest('/'.join(digests).encode())}"


def _of_item(dataset: Any, index: int) -> str:
    with _all_random_numbers_seeded():
        parts = default_collate([dataset[index]])
    parts = parts if isinstance(parts, list | tuple) else [parts]
    return of_tensors([part for part in parts if isinstance(part, Tensor)])


@contextmanager
def _all_random_numbers_seeded() -> Iterator[None]:
    """Let a random transform draw the same numbers each time, and put everyone's numbers back."""
    numpy, plain = sys.modules.get("numpy"), random.getstate()
    drawn = numpy.random.get_state() if numpy else None
    with random_numbers_kept(torch.device("cpu")):
        try:
            torch.default_generator.manual_seed(0)
            random.seed(0)
            if numpy:
                numpy.random.seed(0)
            yield
        finally:
            random.setstate(plain)
            if numpy:
                numpy.random.set_state(drawn)


def of_tensors(tensors: Iterable[Tensor]) -> str:
    """Return a checksum of all values of some tensors."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return f"SHA-256 {digest.hexdigest()[:16]}"


def of_weights(tensors: Mapping[str, Tensor]) -> str:
    """Return a checksum of named tensors, whatever their order."""
    return of_tensors(tensors[name] for name in sorted(tensors))


def of_function(function: Any, depth: int = DEPTH) -> str:
    """Name a function and tell its code, with the values that it holds and those of the functions that it uses.

    Parameters
    ----------
    function : callable
        A function, a method, a partial function, or an object that can be called.
    depth : int
        How many functions within functions are looked into.
    """
    if isinstance(function, nn.Module):  # the text of a loss leaves its options out
        options = {name: value for name, value in vars(function).items() if name[0] != "_"}
        values = {name: _of_value(value, depth) for name, value in {**options, **function.state_dict()}.items()}
        inside = [f"{name}={value}" for name, value in values.items()]
        return f"{type(function).__name__}({', '.join(inside)}){_own_code(type(function), 'forward')}"
    if isinstance(function, functools.partial):
        arguments = [_of_value(value, depth) for value in function.args]
        arguments += [f"{name}={_of_value(value, depth)}" for name, value in function.keywords.items()]
        return f"{of_function(function.func, depth)}({', '.join(arguments)})"
    if isinstance(function, MethodType):
        return f"{of_function(function.__func__, depth)} of {_of_value(function.__self__, depth)}"
    if isinstance(function, FunctionType) and not _is_library(function):
        return f"{function.__name__} [code {_digest(repr(_code_of(function, depth)).encode(), 8)}]"
    if isinstance(function, FunctionType | type | BuiltinFunctionType) or not hasattr(function, "__dict__"):
        return getattr(function, "__qualname__", type(function).__name__)
    if hasattr(function, "__wrapped__"):
        return f"{type(function).__name__}({of_function(function.__wrapped__, depth)})"
    return f"{_of_object(function, depth)}{_own_code(type(function), '__call__')}"


def _is_library(thing: Any) -> bool:
    """Tell whether a function or a class is torch's, numpy's or ours: its version tells what it does."""
    return str(thing.__module__).partition(".")[0] in ("torch", "torchvision", "numpy", "glassbox")


def _own_code(kind: type, method: str) -> str:
    """Tell the code of a method, and of the methods that it names, where it is the user's own."""
    written = inspect.getattr_static(kind, method, None)
    if not isinstance(written, FunctionType) or _is_library(written):
        return ""
    named = [inspect.getattr_static(kind, name, None) for name in sorted(_names(written.__code__))]
    own = [
        other for other in named if isinstance(other, FunctionType) and other is not written and not _is_library(other)
    ]
    codes = [_code_of(function, DEPTH) for function in (written, *own)]
    return f", {codes[0] if not own else f'code {_digest(repr(codes).encode(), 8)}'}"


def _code_of(function: FunctionType, depth: int) -> list[Any]:
    """Return what a function does: its code, its defaults, its closure, and the values and functions that it names."""
    held = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for cell in function.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:  # not filled yet
            continue
    used = {name: function.__globals__[name] for name in _names(function.__code__) if name in function.__globals__}
    parts: list[Any] = _of_code(function.__code__, function.__doc__)
    if depth:
        parts += [_of_value(value, depth - 1) for value in held]
        parts += [f"{name}={_of_value(value, depth - 1)}" for name, value in sorted(used.items()) if _tells(value)]
    return parts


def _tells(value: object) -> bool:
    """Tell whether what a function finds under a global name is a setting of it, and no library or running count."""
    return isinstance(value, PLAIN | Tensor) or (isinstance(value, FunctionType) and not _is_library(value))


def _names(code: CodeType) -> set[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _of_code(code: CodeType, documentation: str | None = None) -> list[Any]:
    """Return what a piece of code does, without the file and the lines where it stands, and without its docstring."""
    constants = [
        _of_code(constant) if isinstance(constant, CodeType) else _of_value(constant, 1)
        for constant in code.co_consts
        if documentation is None or constant != documentation
    ]
    return [code.co_code.hex(), constants, code.co_names, code.co_freevars, code.co_argcount, code.co_kwonlyargcount]


def _of_value(value: Any, depth: int) -> str:
    """Describe something that a function holds."""
    if isinstance(value, Tensor):
        return f"{tuple(value.shape)} {of_tensors([value])}"
    if type(value).__module__ == "numpy" and hasattr(value, "tobytes"):
        return f"{value.shape} {value.dtype} {_digest(value.tobytes())}"
    if isinstance(value, frozenset | set):
        return repr(sorted(map(repr, value)))
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({', '.join(_of_value(item, depth) for item in value)})"
    if isinstance(value, dict):
        return repr({repr(name): _of_value(item, depth) for name, item in value.items()})
    if isinstance(value, ModuleType | type):
        return value.__name__
    if depth and (callable(value) or isinstance(value, nn.Module)):
        return of_function(value, depth - 1)
    return _of_object(value, depth)


def _of_object(value: Any, depth: int) -> str:
    text = repr(value)
    if " at 0x" not in text:
        return text
    if not depth or not hasattr(value, "__dict__"):
        return type(value).__name__
    inside = [f"{name}={_of_value(item, depth - 1)}" for name, item in vars(value).items() if name[0] != "_"]
    return f"{type(value).__name__}({', '.join(inside)})"


def _without_addresses(text: str) -> str:
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def _digest(content: bytes, length: int = 16) -> str:
    return hashlib.sha256(content).hexdigest()[:length]
