"""Digits as strokes, fixed: each class six times, slanted, narrowed, made smaller, turned and moved."""

from __future__ import annotations

import math

Stroke = list[tuple[float, float]]


def arc(x: float, y: float, width: float, height: float, start: float, end: float, parts: int = 12) -> Stroke:
    """Points on an ellipse, by angles in degrees: 0 is to the right, 90 down."""
    angles = [math.radians(start + (end - start) * part / parts) for part in range(parts + 1)]
    return [(x + width / 2 * math.cos(angle), y + height / 2 * math.sin(angle)) for angle in angles]


DIGITS: dict[int, list[Stroke]] = {
    0: [arc(0.5, 0.5, 0.5, 0.74, -80, 280, 20)],
    1: [[(0.53, 0.14), (0.5, 0.5), (0.48, 0.86)]],
    2: [[*arc(0.5, 0.3, 0.46, 0.36, 190, 390), (0.3, 0.84), (0.5, 0.8), (0.76, 0.84)]],
    3: [[*arc(0.48, 0.31, 0.42, 0.36, 205, 445), *arc(0.48, 0.67, 0.5, 0.38, 275, 510)]],
    4: [[(0.32, 0.16), (0.26, 0.5), (0.72, 0.5)], [(0.68, 0.16), (0.62, 0.86)]],
    5: [[(0.74, 0.15), (0.36, 0.16), (0.33, 0.46), *arc(0.5, 0.64, 0.46, 0.42, 235, 500)]],
    6: [[(0.64, 0.13), (0.42, 0.34), (0.3, 0.62), *arc(0.5, 0.68, 0.4, 0.36, 190, -170, 16)]],
    7: [[(0.22, 0.18), (0.5, 0.16), (0.78, 0.16), (0.62, 0.45), (0.46, 0.86)]],
    8: [[*arc(0.5, 0.31, 0.36, 0.34, 80, -270, 16), *arc(0.5, 0.68, 0.44, 0.38, -90, 270, 16)]],
    9: [[*arc(0.48, 0.33, 0.4, 0.36, -20, -380, 16), (0.66, 0.6), (0.6, 0.87)]],
}

# Slant, width, size, turn in degrees, and how far to the right and down.
HANDS = (
    (0, 1, 1, 0, 0, 0),
    (-0.2, 1, 0.9, 0, 0, 0),
    (0.12, 0.85, 0.95, 4, 0, 0),
    (-0.1, 1.1, 0.7, -6, 0.12, -0.1),
    (-0.3, 0.8, 0.8, 0, -0.08, 0.05),
    (0, 1.15, 0.45, 8, -0.2, 0.2),
)


def drawn(digit: int, hand: int) -> list[Stroke]:
    """The strokes of a digit by one of the hands, in shares of the board."""
    slant, width, size, turn, right, down = HANDS[hand]
    cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))

    def place(point: tuple[float, float]) -> tuple[float, float]:
        y = point[1] - 0.5
        x = (point[0] - 0.5) * width + slant * y
        return 0.5 + size * (cosine * x - sine * y) + right, 0.5 + size * (sine * x + cosine * y) + down

    return [[place(point) for point in stroke] for stroke in DIGITS[digit]]
