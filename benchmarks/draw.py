"""Draws lines and bars as SVG, readable on light and dark pages, with nothing but text.

Colours come from classes whose values follow the reader's scheme; every line is named at its end, so no legend is
needed, and nothing depends on telling colours apart.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

STYLE = """<style>
text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 13px } .faint { fill: #59636e }
.grid { stroke: #d1d9e0; stroke-width: 1 } .axis { stroke: #818b98; stroke-width: 1 }
.target { stroke: #59636e; stroke-width: 1.2; stroke-dasharray: 2 3; fill: none }
.aim { stroke: #1f2328; stroke-width: 1.5; fill: none }
.line { fill: none; stroke-width: 2; stroke-linejoin: round } .dashed { stroke-dasharray: 6 4 }
.s0 { stroke: #818b98 } .s1 { stroke: #0969da } .s2 { stroke: #bc4c00 } .s3 { stroke: #1a7f37 } .s4 { stroke: #8250df }
.f0 { fill: #818b98 } .f1 { fill: #0969da } .f2 { fill: #bc4c00 } .f3 { fill: #1a7f37 } .f4 { fill: #8250df }
@media (prefers-color-scheme: dark) {
 text { fill: #f0f6fc } .faint { fill: #9198a1 } .grid { stroke: #3d444d } .axis { stroke: #656c76 }
 .target { stroke: #9198a1 } .aim { stroke: #f0f6fc }
 .s0 { stroke: #9198a1 } .s1 { stroke: #4493f8 } .s2 { stroke: #f0883e } .s3 { stroke: #3fb950 } .s4 { stroke: #ab7df8 }
 .f0 { fill: #9198a1 } .f1 { fill: #4493f8 } .f2 { fill: #f0883e } .f3 { fill: #3fb950 } .f4 { fill: #ab7df8 }
}
</style>"""
WIDTH = 760
HEIGHT = 290
LEFT, RIGHT, TOP, BOTTOM = 52, 92, 34, 62  # of a panel: tick labels, names of lines, title, labels of x
BAR_HEIGHT, BAR_GAP, BAR_LEFT, BAR_RIGHT = 20, 10, 210, 130
NAME_HEIGHT = 14  # between names of lines that end at the same place
STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Line:
    """A named line through points, in the colour of its number."""

    name: str
    colour: int
    points: tuple[tuple[float, float], ...]
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines over a logarithmic x; ``is_log`` is about y; ``aim`` is a point that is aimed at, drawn as a diamond."""

    title: str
    x_name: str
    lines: tuple[Line, ...]
    is_log: bool = False
    aim: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """A named bar with its value in words."""

    name: str
    value: float
    words: str
    colour: int = 1


def panels(about: str, shown: Sequence[Panel]) -> str:
    """A picture of panels, two in a row; ``about`` says in words what one sees."""
    columns = min(2, len(shown))
    width = WIDTH / columns
    drawn = []
    for number, panel in enumerate(shown):
        x, y = (number % columns) * width, (number // columns) * HEIGHT
        drawn += [f'<g transform="translate({x:.0f} {y:.0f})">', *_panel(panel, width), "</g>"]
    return _svg(about, HEIGHT * math.ceil(len(shown) / columns), drawn)


def bars(about: str, shown: Sequence[Bar], target: tuple[float, str] | None = None, *, is_log: bool = False) -> str:
    """A picture of bars from the left; ``target`` is a value that is aimed at, with its name."""
    most = max([bar.value for bar in shown] + ([target[0]] if target else []))
    least = min(bar.value for bar in shown) / 2 if is_log else 0.0
    room = WIDTH - BAR_LEFT - BAR_RIGHT

    def length(value: float) -> float:
        share = math.log(value / least) / math.log(most / least) if is_log else value / most
        return max(1.0, share * room)

    top = 22 if target else 6
    drawn = []
    for number, bar in enumerate(shown):
        y = top + number * (BAR_HEIGHT + BAR_GAP)
        middle, end = y + BAR_HEIGHT / 2 + 4, BAR_LEFT + length(bar.value)
        drawn.append(f'<text x="{BAR_LEFT - 8}" y="{middle}" text-anchor="end">{escape(bar.name)}</text>')
        drawn.append(f'<rect class="f{bar.colour}" x="{BAR_LEFT}" y="{y}" width="{end - BAR_LEFT:.1f}" ')
        drawn[-1] += f'height="{BAR_HEIGHT}" rx="2"/>'
        drawn.append(f'<text x="{end + 6:.1f}" y="{middle}">{escape(bar.words)}</text>')
    height = top + len(shown) * (BAR_HEIGHT + BAR_GAP)
    if is_log:
        height += NAME_HEIGHT
        drawn.append(f'<text class="faint" x="{BAR_LEFT}" y="{height - 4}">(the lengths are logarithmic)</text>')
    if target:
        x = BAR_LEFT + length(target[0])
        drawn.append(f'<path class="target" d="M{x:.1f} 18V{height - BAR_GAP}"/>')
        drawn.append(f'<text class="faint" x="{x:.1f}" y="12" text-anchor="middle">{escape(target[1])}</text>')
    return _svg(about, height, drawn)


def _svg(about: str, height: float, drawn: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
    head += f'height="{height:.0f}" role="img" aria-label="{escape(about, {chr(34): "&quot;"})}">'
    return "\n".join([head, f"<title>{escape(about)}</title>", STYLE, *drawn, "</svg>"]) + "\n"


def _panel(panel: Panel, width: float) -> Iterator[str]:
    right, bottom = width - RIGHT, HEIGHT - BOTTOM
    xs = sorted({x for line in panel.lines for x, _ in line.points})
    ys = [y for line in panel.lines for _, y in line.points] + ([panel.aim[1]] if panel.aim else [])
    ticks = _log_ticks(min(ys), max(ys)) if panel.is_log else _ticks(max(ys))
    yield f'<text class="title" x="{LEFT}" y="16">{escape(panel.title)}</text>'

    def at_x(x: float) -> float:
        share = math.log(x / xs[0]) / math.log(xs[-1] / xs[0]) if len(xs) > 1 else 0.5
        return LEFT + 8 + share * (right - LEFT - 16)

    def at_y(y: float) -> float:
        if panel.is_log:
            share = math.log(max(y, ticks[0]) / ticks[0]) / math.log(ticks[-1] / ticks[0])
        else:
            share = y / ticks[-1]
        return bottom - share * (bottom - TOP)

    for tick in ticks:
        yield f'<path class="grid" d="M{LEFT} {at_y(tick):.1f}H{right:.1f}"/>'
        yield f'<text class="faint" x="{LEFT - 6}" y="{at_y(tick) + 4:.1f}" text-anchor="end">{_short(tick)}</text>'
    yield f'<path class="axis" d="M{LEFT} {bottom}H{right:.1f}"/>'
    for x in xs:
        yield f'<text class="faint" x="{at_x(x):.1f}" y="{bottom + 16}" text-anchor="middle">{_short(x)}</text>'
    yield f'<text class="faint" x="{(LEFT + right) / 2:.1f}" y="{bottom + 33}" text-anchor="middle">'
    yield f"{escape(panel.x_name)}</text>"
    for line in panel.lines:
        path = "L".join(f"{at_x(x):.1f} {at_y(y):.1f}" for x, y in line.points)
        yield f'<path class="line s{line.colour}{" dashed" if line.is_dashed else ""}" d="M{path}"/>'
        for x, y in line.points:
            yield f'<circle class="f{line.colour}" cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="2.6"/>'
    if panel.aim:
        yield f'<path class="aim" d="M{at_x(panel.aim[0]):.1f} {at_y(panel.aim[1]) - 6:.1f}l6 6l-6 6l-6 -6z"/>'
    yield from _names([(at_y(line.points[-1][1]), line) for line in panel.lines], right, bottom)


def _names(ends: list[tuple[float, Line]], right: float, bottom: float) -> Iterator[str]:
    """The names at the ends of lines, moved apart where they would lie on one another."""
    placed, lowest = [], -math.inf
    for y, line in sorted(ends, key=lambda end: end[0]):
        lowest = max(y, lowest + NAME_HEIGHT)
        placed.append([lowest, line])
    too_low = max(0.0, lowest - bottom) if placed else 0.0
    for y, line in (
        (float(y) - too_low, line) for y, line in placed if isinstance(y, float) and isinstance(line, Line)
    ):
        yield f'<text class="f{line.colour}" x="{right + 6:.1f}" y="{y + 4:.1f}">{escape(line.name)}</text>'


def _ticks(most: float) -> list[float]:
    """From 0 to above ``most``, four or five of them, at round numbers."""
    rough = most / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    return [step * n for n in range(math.ceil(most / step) + 1)]


def _log_ticks(least: float, most: float) -> list[float]:
    """From below ``least`` to above ``most``, at 1, 2, 5, 10 …; only powers of ten if there were too many."""
    exponents = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 2)
    fine = [factor * 10.0**exponent for exponent in exponents for factor in STEPS]
    low = max(tick for tick in fine if tick <= least)
    high = min(tick for tick in fine if tick >= most and tick > low)
    kept = [tick for tick in fine if low <= tick <= high]
    return kept if len(kept) <= 9 else [tick for tick in kept if tick in (low, high) or math.log10(tick).is_integer()]


def _short(value: float) -> str:
    """A number as an axis says it: 100k."""
    if value >= 10_000 and value % 1_000 == 0:
        return f"{value / 1_000:,.0f}k"
    return f"{value:,.10g}"
