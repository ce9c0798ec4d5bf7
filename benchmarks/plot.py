"""A small drawing of ratios over counts, as SVG: the count on a logarithmic axis, 1 is the unit."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 50, 50
HIGHEST = 2.0
STEP = 0.5

Point = tuple[int, float]
_STYLE = (
    "text{font:12px sans-serif;fill:#333}.title{font-size:14px;font-weight:bold}"
    ".axis{stroke:#999}.grid{stroke:#ddd}polyline{fill:none}"
    ".main{stroke:#06c;stroke-width:3}.other{stroke:#aaa;stroke-width:1.5}.spot{fill:#06c}"
)


def plot(title: str, across: str, main: list[Point], others: list[list[Point]]) -> str:
    """The drawing of one line that matters, with a spot at each point, and of others behind it."""
    largest = max(count for count, _ in main)
    smallest = min(count for count, _ in main)
    span = math.log10(largest) - math.log10(smallest)

    def x(count: int) -> float:
        share = (math.log10(count) - math.log10(smallest)) / span
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(ratio: float) -> float:
        return round(HEIGHT - BOTTOM - min(ratio, HIGHEST) / HIGHEST * (HEIGHT - TOP - BOTTOM), 1)

    def line(kind: str, points: list[Point]) -> str:
        places = " ".join(f"{x(count)},{y(ratio)}" for count, ratio in points)
        return f'<polyline class="{kind}" points="{places}"/>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text("title", LEFT, 24, title),
        _text("", LEFT, HEIGHT - 12, across),
    ]
    for number in range(round(HIGHEST / STEP) + 1):
        level = number * STEP
        kind = "grid" if number else "axis"
        ends = f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(level)}" y2="{y(level)}"'
        parts.append(f'<line class="{kind}" {ends}/>')
        parts.append(_text("", LEFT - 32, y(level) + 4, f"{level:.1f}"))
    parts += [_text("", x(count) - 14, HEIGHT - BOTTOM + 18, f"{count:,}") for count, _ in main]
    parts += [line("other", points) for points in others]
    parts.append(line("main", main))
    parts += [f'<circle class="spot" cx="{x(n)}" cy="{y(ratio)}" r="4"/>' for n, ratio in main]
    return "\n".join([*parts, "</svg>", ""])


def _text(kind: str, x: float, y: float, words: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(words)}</text>'
