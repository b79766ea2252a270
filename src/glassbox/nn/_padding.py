"""What stands around an image when it is not zeros: numbers of the image itself, so that each has a gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from glassbox.nn._bridge import Gradients, differentiable

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def extend_forward(input: Tensor, *, rows: tuple[int, int], columns: tuple[int, int], mode: str) -> Tensor:
    """Continue images past their border: each place of the padding takes a number of the image."""
    row_source, column_source = _sources(input, rows, columns, mode)
    return input.index_select(-2, row_source).index_select(-1, column_source)


def extend_backward(
    grad_output: Tensor,
    input: Tensor,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] | None = None,
    rows: tuple[int, int],
    columns: tuple[int, int],
    mode: str,
) -> Gradients:
    """Add the gradient of each place to the number that it took."""
    row_source, column_source = _sources(input, rows, columns, mode)
    grad_rows = grad_output.new_zeros(*grad_output.shape[:-1], input.shape[-1])
    grad_rows.index_add_(-1, column_source, grad_output)
    return (torch.zeros_like(input).index_add_(-2, row_source, grad_rows),)


extend = differentiable(extend_forward, extend_backward)


def _sources(input: Tensor, rows: tuple[int, int], columns: tuple[int, int], mode: str) -> tuple[Tensor, Tensor]:
    """Give the row and the column of the image that each row and column of the padded image takes."""
    sources = []
    for size, (before, after) in zip(input.shape[-2:], (rows, columns), strict=True):
        widest = {"reflect": size - 1, "circular": size}.get(mode, max(before, after))
        if max(before, after) > widest:
            raise ValueError(
                f"padding_mode={mode!r} expects at most {widest} of padding around an image of {size}, "
                f"got {max(before, after)}: it takes its numbers from the image"
            )
        place = torch.arange(-before, size + after, device=input.device)
        if mode == "reflect":
            place = (size - 1) - ((size - 1) - place.abs()).abs()
        sources.append(place % size if mode == "circular" else place.clamp(0, size - 1))
    return sources[0], sources[1]
