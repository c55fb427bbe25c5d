"""A figure of ours as a part of a page."""

import re

from codelm.report import figures

# The picture's colours become the page's, which has a dark side too.
_VARIABLES = {figures.INK: "ink", figures.MUTED: "muted", figures.GRID: "rule"} | {
    colour: f"series-{place}" for place, colour in enumerate(figures.SERIES, start=1)
}


def inline_svg(svg: str, *, name: str) -> str:
    """An SVG file of ours as a part of a page: no prolog, no styles that could meet the page's own.

    name: goes before every id, for parts that look alike have one id in all figures. One figure, one name.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg).replace(" xlink:href=", " href=")
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"<[^>]*>", lambda tag: re.sub(r'( id="| href="#|url\(#)', rf"\g<1>{name}-", tag[0]), svg)
    return re.sub(r'style="[^"]*"', _with_variables, svg)


def _with_variables(style: re.Match[str]) -> str:
    return re.sub(r"#[0-9a-f]{6}", lambda colour: _variable(colour[0]), style[0])


def _variable(colour: str) -> str:
    return f"var(--{_VARIABLES[colour]})" if colour in _VARIABLES else colour
