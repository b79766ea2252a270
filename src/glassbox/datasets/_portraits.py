"""Drawn faces whose attributes are known: many at once, each shape a distance, each edge smooth.

A shape is a function that is negative inside and positive outside, about the distance to its edge. Painting blends a
color in where the distance is negative, over one pixel, so that edges are not jagged. All faces of a chunk are painted
together; what a face does not have is painted on it with opacity 0.
"""

from __future__ import annotations

import torch
from torch import Tensor

Number = Tensor | float

ATTRIBUTES = ("glasses", "smile", "hat", "beard", "hair")
CHUNK = 64  # faces painted together: few enough to stay in the processor's cache

SKINS = ("#fbdcc4", "#f3c9a5", "#e3ac80", "#c88a5b", "#a06a42", "#744a2e", "#4f3222")
HAIRS = ("#191512", "#3a2618", "#6b4426", "#a8732f", "#dcb765", "#b4532a", "#9a9691", "#e8e4dc")
CLOTHES = ("#28536b", "#7a9e7e", "#c2434a", "#e0a63f", "#5c4b8a", "#d9d4c7", "#2f2f38", "#e58f76", "#3f8f8b", "#8a5a44")
FRAMES = ("#1b1b1f", "#5a3a22", "#8f2f3b", "#27476e", "#b08d4f", "#c9c9cf", "#e9e2d0")
DRAWS = 128  # random numbers per face, some to spare


def draw_faces(count: int, size: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw faces; the first of many are the same as those of few, and a larger picture shows the same face.

    Parameters
    ----------
    count : int
        How many.
    size : int
        Height and width in pixels.
    seed : int
        Which faces.

    Returns
    -------
    images : Tensor
        Shape (count, 3, size, size), float32 in [0, 1].
    attributes : Tensor
        Shape (count, 5), float32, 1 where a face has the attribute. Every 32 faces have each combination once.
    """
    shapes, noise = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)
    images = torch.empty(count, 3, size, size)
    attributes = torch.empty(count, len(ATTRIBUTES))
    for start in range(0, count, CHUNK):
        has = torch.cat([_every_combination(shapes) for _ in range(CHUNK // 32)])
        dice = Dice(torch.rand(CHUNK, DRAWS, generator=shapes))
        grain = torch.randn(CHUNK, 3, size, size, generator=noise)
        rows = slice(start, min(start + CHUNK, count))
        images[rows] = _draw_chunk(has, dice, grain)[: rows.stop - start]
        attributes[rows] = has[: rows.stop - start]
    return images, attributes


def _every_combination(generator: torch.Generator) -> Tensor:
    """Return the 32 combinations of five attributes in a random order."""
    codes = torch.randperm(2 ** len(ATTRIBUTES), generator=generator)
    return (codes[:, None] >> torch.arange(len(ATTRIBUTES)) & 1).float()


class Dice:
    """The random numbers of each face, taken one column after the other, shaped to spread over pixels."""

    def __init__(self, numbers: Tensor) -> None:
        self.columns = iter(numbers.T)

    def between(self, low: float, high: float) -> Tensor:
        """Return a number for each face, shape (N, 1, 1)."""
        return (low + (high - low) * next(self.columns))[:, None, None]

    def chance(self, probability: float) -> Tensor:
        """Return 1 for some faces and 0 for the others, shape (N, 1, 1)."""
        return (next(self.columns) < probability).float()[:, None, None]

    def color(self, palette: tuple[str, ...]) -> Tensor:
        """Return a color for each face, near one of the palette, shape (N, 3)."""
        colors = torch.tensor([[int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)] for code in palette])
        chosen = colors[(next(self.columns) * len(palette)).long()]
        return (chosen * self.between(0.85, 1.15)[:, :, 0]).clamp(0, 1)


class Canvas:
    """The pictures of a chunk, and the coordinates of their faces.

    ``u`` points to the right of the face and ``v`` down; the head reaches from about -1 to 1. ``across`` and ``down``
    are the same for the picture.
    """

    def __init__(self, count: int, size: int) -> None:
        axis = (torch.arange(size) + 0.5) / size * 2 - 1
        self.down, self.across = axis[None, :, None], axis[None, None, :]
        self.image = torch.zeros(count, 3, size, size)
        self.pixels_per_unit: Tensor = torch.full((1, 1, 1), size / 2)

    def pose(self, right: Tensor, low: Tensor, scale: Tensor, tilt: Tensor) -> None:
        """Place the face's own coordinates in the picture."""
        x, y = (self.across - right) / scale, (self.down - low) / scale
        self.u, self.v = x * tilt.cos() + y * tilt.sin(), y * tilt.cos() - x * tilt.sin()
        self.pixels_per_unit = self.pixels_per_unit * scale

    def paint(self, color: Tensor, distance: Tensor, opacity: Tensor | float = 1.0, blur: float = 0.0) -> None:
        """Blend a color in where the distance is negative; ``blur`` widens the edge, in units of the face."""
        cover = (distance * (-1 / (blur + 1 / self.pixels_per_unit))).add_(0.5).clamp_(0, 1).mul_(opacity)
        self.image.lerp_(color[:, :, None, None].expand_as(self.image), cover[:, None])

    def ellipse(self, u: Number, v: Number, width: Number, height: Number, *, mirror: Number | None = None) -> Tensor:
        """Return the distance to an ellipse with this center and these half-axes."""
        beside, below = self._beside(u, mirror) / width, (self.v - v) / height
        smaller = torch.minimum(torch.as_tensor(width), torch.as_tensor(height))
        return beside.square_().addcmul_(below, below).sqrt_().sub_(1).mul_(smaller)

    def box(
        self,
        u: Number,
        v: Number,
        width: Number,
        height: Number,
        *,
        corner: float = 0.0,
        mirror: Number | None = None,
    ) -> Tensor:
        """Return the distance to a rectangle with this center, these half-sides and corners rounded that much."""
        beside = self._beside(u, mirror).abs_().sub_(width).add_(corner)
        below = (self.v - v).abs_().sub_(height).add_(corner)
        inside = torch.maximum(beside, below).clamp_(max=0)
        outside = beside.clamp_(min=0).square_().addcmul_(below.clamp_(min=0), below).sqrt_()
        return outside.add_(inside).sub_(corner)

    def curve(
        self,
        u: Number,
        v: Number,
        reach: Number,
        bend: Number,
        thickness: float,
        *,
        mirror: Number | None = None,
    ) -> Tensor:
        """Return the distance to a stroke whose ends lie higher than its middle by ``bend`` (lower if negative)."""
        along = self._beside(u, mirror) / reach
        square = along.square()
        steepness = (square * (2 * bend / reach) ** 2).add_(1).sqrt_()
        beside = (square.mul_(bend) + (self.v - v)).abs_().div_(steepness).sub_(thickness)
        return torch.maximum(beside, along.abs_().sub_(1).mul_(reach))

    def _beside(self, u: Number, mirror: Number | None) -> Tensor:
        """How far each point lies to the right of u; with a mirror, of the two places at u from it, the nearer."""
        return self.u - u if mirror is None else (self.u - mirror).abs_().sub_(u)


def _draw_chunk(has: Tensor, dice: Dice, grain: Tensor) -> Tensor:
    """Paint one chunk of faces, back to front."""
    glasses, smile, hat, beard, hair = has.T[:, :, None, None]
    canvas = Canvas(len(has), grain.shape[-1])
    skin, hair_color = dice.color(SKINS), dice.color(HAIRS)
    turn = dice.between(-0.16, 0.16)  # the head turned to one side: what is on its front moves that way
    width = dice.between(0.66, 0.8)
    _background(canvas, dice)
    canvas.pose(
        dice.between(-0.14, 0.14), dice.between(-0.02, 0.2), dice.between(0.62, 0.76), dice.between(-0.24, 0.24)
    )
    long_hair = _hair_behind(canvas, dice, hair, hair_color, width)
    _body(canvas, dice, skin)
    _head(canvas, dice, skin, turn, width)
    _beard(canvas, dice, beard, hair_color, turn, width)
    _eyes(canvas, dice, skin, hair_color, turn)
    _mouth(canvas, dice, smile, skin, turn)
    _hair_in_front(canvas, dice, hair, hair_color, width, long_hair)
    _glasses(canvas, dice, glasses, turn, width)
    _hat(canvas, dice, hat, width)
    _something_in_front(canvas, dice)
    return _light(canvas, dice, grain)


def _background(canvas: Canvas, dice: Dice) -> None:
    """Two colors that run into each other, and three blurred lights or leaves."""
    canvas.image += dice.color(CLOTHES)[:, :, None, None]
    angle = dice.between(0, 6.28)
    canvas.paint(dice.color(CLOTHES), canvas.across * angle.cos() + canvas.down * angle.sin(), 0.9, blur=1.8)
    for _ in range(3):
        x, y = canvas.across - dice.between(-1, 1), canvas.down - dice.between(-1, 1)
        distance = (x**2 + y**2).sqrt()
        canvas.paint(dice.color(CLOTHES + HAIRS), distance - dice.between(0.1, 0.5), dice.between(0, 0.9), blur=0.15)


def _hair_behind(canvas: Canvas, dice: Dice, hair: Tensor, color: Tensor, width: Tensor) -> Tensor:
    """Hair around the head, from cropped to long; returns how long."""
    long = dice.chance(0.45)
    fullness = dice.between(0.08, 0.2)
    canvas.paint(color, canvas.ellipse(0, -0.12, width + fullness, 0.86 + fullness), hair)
    canvas.paint(color * 0.85, canvas.box(0, 0.35, width + fullness, dice.between(0.5, 0.9), corner=0.25), hair * long)
    return long


def _body(canvas: Canvas, dice: Dice, skin: Tensor) -> None:
    canvas.paint(dice.color(CLOTHES), canvas.ellipse(0, 1.75, dice.between(1.0, 1.35), 0.72))
    canvas.paint(skin * 0.8, canvas.box(0, 0.95, dice.between(0.24, 0.34), 0.3, corner=0.1))


def _head(canvas: Canvas, dice: Dice, skin: Tensor, turn: Tensor, width: Tensor) -> None:
    """Ears, the head darker towards its edge, cheeks and nose."""
    canvas.paint(skin * 0.86, canvas.ellipse(width, 0.05, 0.13, 0.2, mirror=-0.5 * turn))
    outline = torch.maximum(canvas.ellipse(0, 0, width, 0.95), canvas.v - 1)
    canvas.paint(skin * 0.82, outline)
    canvas.paint(skin, outline + 0.16, blur=0.3)
    rosy = skin * torch.tensor([1.0, 0.72, 0.7])
    canvas.paint(rosy, canvas.ellipse(0.4, 0.3, 0.1, 0.08, mirror=turn), dice.between(0, 0.7), blur=0.14)
    nose = dice.between(0.1, 0.2)
    canvas.paint(skin * 0.78, canvas.ellipse(1.5 * turn, 0.2, 0.07, nose), 0.75, blur=0.05)
    canvas.paint(skin * 1.04, canvas.ellipse(1.5 * turn - 0.02, 0.14, 0.05, nose), 0.9, blur=0.05)


def _beard(canvas: Canvas, dice: Dice, beard: Tensor, color: Tensor, turn: Tensor, width: Tensor) -> None:
    """A full beard with a free patch for the mouth, or one around the chin only, always with a moustache."""
    jaw = canvas.ellipse(0, dice.between(0.0, 0.14), width + 0.02, 0.98)
    cheeks = dice.between(0.3, 0.44) - canvas.v - dice.between(0.2, 0.6) * canvas.u**2
    full = torch.maximum(jaw, cheeks)
    chin = canvas.ellipse(turn, 0.78, 0.3, 0.28)
    only_chin = dice.chance(0.35)
    shape = torch.where(only_chin > 0, chin, full)
    dense = dice.between(0.75, 1.0)
    canvas.paint(color * 0.92, shape, beard * dense, blur=0.04)
    moustache = canvas.curve(turn, 0.39, 0.3, dice.between(-0.16, -0.04), 0.055)
    canvas.paint(color * 0.85, moustache, beard * dense, blur=0.03)


def _eyes(canvas: Canvas, dice: Dice, skin: Tensor, hair_color: Tensor, turn: Tensor) -> None:
    """Eyes that look somewhere, some of them closed, and brows."""
    apart, height = dice.between(0.26, 0.34), dice.between(-0.14, -0.04)
    open_wide, closed = dice.between(0.075, 0.12), dice.chance(0.12)
    gaze = dice.between(-0.05, 0.05)
    iris = dice.color(("#4a2f1b", "#26405c", "#3f5a36", "#1d1714"))
    brow_bend, brow_height = dice.between(-0.05, 0.07), dice.between(0.18, 0.27)
    dark = torch.full_like(skin, 0.06)
    white = canvas.ellipse(apart, height, 0.13, open_wide, mirror=turn)
    canvas.paint(skin * 0.7, white - 0.025, 1 - closed)
    canvas.paint(torch.full_like(skin, 0.96), white, 1 - closed)
    for side in (-1, 1):
        distance = canvas.ellipse(turn + side * apart + gaze, height, 0.075, 0.075)
        canvas.paint(iris, torch.maximum(distance, white), 1 - closed)
        canvas.paint(dark, distance + 0.04, 1 - closed)
    canvas.paint(dark, canvas.curve(apart, height, 0.13, -0.05, 0.022, mirror=turn), closed)
    brows = canvas.curve(apart, height - brow_height, 0.16, -brow_bend, 0.032, mirror=turn)
    canvas.paint(hair_color * 0.8, brows, 0.9)


def _mouth(canvas: Canvas, dice: Dice, smile: Tensor, skin: Tensor, turn: Tensor) -> None:
    """A smile with or without teeth; otherwise lips that are level, turned down, pursed or open in surprise."""
    height, reach = dice.between(0.46, 0.58), dice.between(0.2, 0.32)
    lips = skin * torch.tensor([0.72, 0.38, 0.38]) + dice.between(0, 0.16)[:, :, 0] * torch.tensor([1.0, 0.0, 0.0])
    shows_teeth, surprised = dice.chance(0.65), dice.chance(0.3)
    bend = torch.where(smile > 0, dice.between(0.13, 0.22), dice.between(-0.12, 0.0))
    closed = torch.where(smile > 0, 1 - shows_teeth, 1 - surprised)
    canvas.paint(lips, canvas.curve(turn, height + bend / 2, reach, bend, 0.045), closed)
    # An open smile lies between two curves: the upper bends less than the lower.
    along = (canvas.u - turn) / (reach + 0.05)
    upper = height - 0.08 - canvas.v + 0.06 * (1 - along**2)
    lower = canvas.v - height + 0.08 - dice.between(0.2, 0.3) * (1 - along**2)
    grin = torch.maximum(upper, lower)
    canvas.paint(lips, grin - 0.03, smile * shows_teeth)
    canvas.paint(torch.full_like(skin, 0.97), grin, smile * shows_teeth)
    opened = canvas.ellipse(turn, height + 0.02, dice.between(0.07, 0.15), dice.between(0.06, 0.14))
    canvas.paint(lips, opened - 0.035, (1 - smile) * surprised)
    canvas.paint(lips * 0.3, opened, (1 - smile) * surprised)


def _hair_in_front(canvas: Canvas, dice: Dice, hair: Tensor, color: Tensor, width: Tensor, long: Tensor) -> None:
    """A hairline that is level, parted or in a fringe, and strands beside the face where the hair is long."""
    line = dice.between(-0.62, -0.4) + dice.between(-0.35, 0.35) * canvas.u + dice.between(-0.1, 0.6) * canvas.u**2
    waves = 0.04 * torch.sin(canvas.u * dice.between(8, 22) + dice.between(0, 6))
    crown = torch.maximum(canvas.ellipse(0, -0.06, width + 0.05, 0.98), canvas.v - line - waves * dice.chance(0.6))
    canvas.paint(color, crown, hair)
    canvas.paint(color * 0.94, canvas.ellipse(width + 0.02, 0.3, 0.15, 0.75, mirror=0), hair * long)
    shine = canvas.curve(dice.between(-0.3, 0.3), -0.8, 0.3, -0.08, 0.03)
    canvas.paint((color * 1.5).clamp(max=1), shine, hair * 0.5, blur=0.06)


def _glasses(canvas: Canvas, dice: Dice, glasses: Tensor, turn: Tensor, width: Tensor) -> None:
    """Round or square frames, thin or thick, in any color; clear or tinted lenses."""
    frame, tint = dice.color(FRAMES), dice.color(FRAMES)
    reach, tall, height = dice.between(0.19, 0.25), dice.between(0.13, 0.22), dice.between(-0.12, -0.02)
    square, thin = dice.chance(0.5), dice.between(0.018, 0.05)
    dark = torch.where(dice.chance(0.3) > 0, dice.between(0.6, 0.95), dice.between(0.0, 0.2)) * glasses
    apart = 0.31
    box = canvas.box(apart, height, reach, tall, corner=0.07, mirror=turn)
    lens = torch.where(square > 0, box, canvas.ellipse(apart, height, reach, tall, mirror=turn))
    canvas.paint(tint, lens, dark)
    glint = torch.maximum(lens, canvas.curve(apart - 0.06, height - 0.04, 0.08, 0.05, 0.02, mirror=turn))
    canvas.paint(torch.ones_like(tint), glint, glasses * 0.45, blur=0.02)
    canvas.paint(frame, lens.abs_() - thin, glasses)
    arm = (width - apart - reach).clamp(min=0.08)
    canvas.paint(frame, canvas.box((apart + reach + width) / 2, height - 0.04, arm, thin, mirror=turn / 2), glasses)
    canvas.paint(frame, canvas.curve(turn, height - 0.03, 0.12, -0.05, 0.028), glasses)


def _hat(canvas: Canvas, dice: Dice, hat: Tensor, width: Tensor) -> None:
    """A woolly hat with a bobble, a cap with a peak, or a hat with a brim all around."""
    color, trim = dice.color(CLOTHES), dice.color(CLOTHES)
    kind = dice.between(0, 3)
    woolly, cap, brimmed = (hat * (kind < 1), hat * ((kind >= 1) & (kind < 2)), hat * (kind >= 2))
    edge = dice.between(-0.62, -0.46)
    dome = torch.maximum(canvas.ellipse(0, edge + 0.05, width + 0.12, dice.between(0.55, 0.75)), canvas.v - edge)
    canvas.paint(trim, canvas.ellipse(0, edge - 0.66, 0.17, 0.17), woolly)
    canvas.paint(color, dome, woolly + cap)
    canvas.paint(trim, canvas.box(0, edge, width + 0.14, 0.11, corner=0.08), woolly)
    facing = torch.where(dice.chance(0.5) > 0, 1.0, -1.0)
    canvas.paint(color * 0.7, canvas.ellipse(facing * 0.35, edge + 0.02, width, 0.1), cap)
    crown = canvas.box(0, edge - 0.3, width * 0.82, 0.4, corner=0.2)
    canvas.paint(color, crown, brimmed)
    canvas.paint(trim, torch.maximum(crown, (canvas.v - edge + 0.06).abs() - 0.08), brimmed)
    canvas.paint(color * 0.9, canvas.ellipse(0, edge + 0.04, width + dice.between(0.3, 0.5), 0.12), brimmed)


def _something_in_front(canvas: Canvas, dice: Dice) -> None:
    """In one picture of six, a ball or a leaf between the face and the camera."""
    right, low = dice.between(-0.9, 0.9), dice.between(-0.8, 1.2)
    shape = canvas.ellipse(right, low, dice.between(0.15, 0.4), dice.between(0.15, 0.4))
    canvas.paint(dice.color(CLOTHES), shape, dice.chance(0.16))


def _light(canvas: Canvas, dice: Dice, grain: Tensor) -> Tensor:
    """Light from one side, brightness, a tint and the camera's noise."""
    angle, strength = dice.between(0, 6.28), dice.between(0, 0.3)
    slope = 1 + strength * (canvas.across * angle.cos() + canvas.down * angle.sin())
    tint = torch.cat([dice.between(0.94, 1.05) for _ in range(3)], dim=1)[..., None]  # (N, 3, 1, 1)
    brightness = (slope * dice.between(0.75, 1.12))[:, None]
    noise = grain * dice.between(0.005, 0.03)[:, None]
    return (canvas.image * brightness * tint + noise).clamp_(0, 1)
