"""Charts drawn on the server as SVG: they print, need no script, and have their figures as a table beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

TONES = ("blue", "sky", "green", "grey")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 1160, 240, 64, 48, 12, 28


@dataclass(frozen=True)
class Series:
    """One row of figures. line: drawn as a line on the right-hand scale instead of stacked bars."""

    label: str
    values: Sequence[float | None]
    line: bool = False


@dataclass
class Chart:
    """Stacked bars over categories with an optional line. title names it for those who do not see it."""

    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    height: int = HEIGHT
    width: int = WIDTH
    bars: list[dict[str, object]] = field(default_factory=list)
    points: list[dict[str, object]] = field(default_factory=list)
    grid: list[dict[str, object]] = field(default_factory=list)
    right: list[dict[str, object]] = field(default_factory=list)
    ticks: list[dict[str, object]] = field(default_factory=list)
    legend: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        bars = [s for s in self.series if not s.line]
        stacks = [sum(s.values[i] or 0 for s in bars) for i in range(len(self.labels))]
        self._top = nice(max(stacks, default=0))
        self._base = self.height - BOTTOM
        self._step = (self.width - LEFT - RIGHT) / max(len(self.labels), 1)
        for share in range(5):
            value = self._top * share / 4
            self.grid.append({"y": self._y(value), "text": brief(value)})
        every = max(math.ceil(len(self.labels) / 16), 1)
        for i, label in enumerate(self.labels):
            if i % every == 0:
                self.ticks.append({"x": self._x(i), "text": label})
        self._draw_bars(bars)
        self._draw_lines([s for s in self.series if s.line])

    def _x(self, i: int) -> float:
        return round(LEFT + self._step * (i + 0.5), 1)

    def _y(self, value: float) -> float:
        return round(self._base - (self._base - TOP) * value / (self._top or 1), 1)

    def _draw_bars(self, bars: Sequence[Series]) -> None:
        width = round(min(self._step * 0.66, 56), 1)
        reached = [0.0] * len(self.labels)
        for n, series in enumerate(bars):
            tone = TONES[n % len(TONES)]
            self.legend.append({"label": series.label, "tone": tone})
            for i, value in enumerate(series.values):
                low, reached[i] = reached[i], reached[i] + (value or 0)
                if value:
                    y = self._y(reached[i])
                    self.bars.append(
                        {
                            "x": round(self._x(i) - width / 2, 1),
                            "y": y,
                            "w": width,
                            "h": round(self._y(low) - y, 1),
                            "tone": tone,
                            "text": f"{self.labels[i]} {series.label} {brief(value)}",
                        }
                    )

    def _draw_lines(self, lines: Sequence[Series]) -> None:
        for series in lines:
            known = [v for v in series.values if v is not None]
            low, high = (min(known), max(known)) if known else (0.0, 1.0)
            low, high = math.floor(low - (high - low) * 0.2), math.ceil(high)
            span = max(high - low, 1)
            self.right = [
                {"y": round(self._base - (self._base - TOP) * n / 4, 1), "text": brief(low + span * n / 4)}
                for n in range(5)
            ]
            dots = [
                (self._x(i), round(self._base - (self._base - TOP) * (v - low) / span, 1), v)
                for i, v in enumerate(series.values)
                if v is not None
            ]
            path = " ".join(f"{x},{y}" for x, y, _v in dots)
            self.points.append(
                {"path": path, "dots": [{"x": x, "y": y, "text": brief(v)} for x, y, v in dots]}
            )
            self.legend.append({"label": series.label, "tone": "line"})

    @property
    def rows(self) -> list[list[str]]:
        """The figures as a table: label, then each series."""
        return [
            [label, *("" if s.values[i] is None else brief(s.values[i] or 0) for s in self.series)]
            for i, label in enumerate(self.labels)
        ]


def nice(value: float) -> float:
    """The next round number upwards, to end a scale with."""
    if value <= 0:
        return 4
    size = 10 ** math.floor(math.log10(value))
    return next(float(size * step) for step in (1, 2, 4, 5, 8, 10) if size * step >= value)


def brief(value: float) -> str:
    """A figure without needless digits."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}"
