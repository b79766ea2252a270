"""Look inside a network: what each layer received, what it made, and where one number comes from."""

import warnings

from glassbox.tracing.terms import Explanation, Term
from glassbox.tracing.trace import Record, Trace, trace

__all__ = ["Explanation", "Record", "Term", "Trace", "trace"]


def explain(record: Record, index: tuple[int, ...] | int) -> Explanation:
    """Former name of `Record.terms`, for one version."""
    warnings.warn(
        "glassbox.tracing.explain(record, index) is record.terms(*index) now; the old name goes with the next version",
        DeprecationWarning,
        stacklevel=2,
    )
    if not isinstance(record, Record):
        raise TypeError(f"explain expects a record, got {type(record).__name__}: try trace(model, x)['conv1']")
    return record.terms(*((index,) if isinstance(index, int) else index))
