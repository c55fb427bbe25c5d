"""Figures: valid SVG, the same bytes each time, everything of the table in it."""

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from codelm.errors import UsageError
from codelm.experiments import (
    Judged,
    JudgedSet,
    LossCurve,
    LossPoint,
    Table,
    chain_length_table,
    loss_table,
    selection_table,
)
from codelm.problems import chain_problem
from codelm.report import FIGURES, draw
from codelm.report._svg import inline_svg


def tables(
    model: str = "Codex-S 3.2M", temperatures: tuple[float, ...] = (0.2, 0.8)
) -> dict[str, Table[Any]]:
    """One small table for each figure."""
    problems = {problem.task_id: problem for problem in (chain_problem((1,)), chain_problem((4, 2)))}
    samples = tuple(
        Judged(task_id=task, sample=i, passed=i == 0, mean_logprob=-0.1 * i, sum_logprob=-i, n_tokens=5)
        for task in problems
        for i in range(3)
    )
    sets = [
        JudgedSet(model=model, problem_set="chains", temperature=temperature, samples=samples)
        for temperature in temperatures
    ]
    points = (LossPoint(0, 0, 8.0, 8.0, 0.0), LossPoint(1, 64, 7.0, float("nan"), 1e-3))
    return {
        "loss_curves": loss_table([LossCurve(model=model, points=points)]),
        "chain_length": chain_length_table(sets, problems=problems, held_out=(4,)),
        "selection": selection_table(sets),
    }


def texts(svg: str) -> list[str]:
    return [text for node in ET.fromstring(svg).iter() if (text := (node.text or "").strip())]


@pytest.mark.parametrize("figure", FIGURES)
def test_figure_of_the_same_table_has_the_same_bytes(figure: str) -> None:
    """No date, no random id: a report made again is the same report."""
    table = tables()[figure]
    assert draw(figure, table) == draw(figure, table)


@pytest.mark.parametrize("figure", FIGURES)
def test_figure_names_its_axes_and_its_model(figure: str) -> None:
    """A figure can be read without the text around it."""
    seen = " ".join(texts(draw(figure, tables()[figure])))
    axes = {
        "loss_curves": ("tokens seen", "loss (nats per token)"),
        "chain_length": ("blocks in the chain", "samples that pass"),
        "selection": ("k, samples to pick from", "picked sample passes"),
    }
    assert all(label in seen for label in (*axes[figure], "Codex-S 3.2M"))


def test_chain_figure_has_a_panel_per_temperature_and_a_curve_per_kind() -> None:
    """Temperatures are never averaged, and held-out blocks never mixed in."""
    seen = texts(draw("chain_length", tables()["chain_length"]))
    assert {"T = 0.2", "T = 0.8"} <= set(seen)
    assert {"Codex-S 3.2M, trained blocks only", "Codex-S 3.2M, with a held-out block"} <= set(seen)


@pytest.mark.parametrize("figure", FIGURES)
def test_figure_shows_a_hostile_name_as_text(figure: str) -> None:
    """Dollar signs are no formula and angle brackets no element."""
    name = "$\\frac{1}$<script>alert(1)</script>&"
    svg = draw(figure, tables(model=name)[figure])
    assert "<script" not in svg
    assert any(name in text for text in texts(svg))


@pytest.mark.parametrize("figure", FIGURES)
def test_figure_of_an_empty_table_is_drawn(figure: str) -> None:
    """Nothing to show is no reason to fail a run at its last stage."""
    full = tables()[figure]
    empty: Table[Any] = Table(title=full.title, columns=full.columns, rows=())
    assert ET.fromstring(draw(figure, empty)).tag.endswith("svg")


def test_figure_with_four_panels_wraps() -> None:
    """Three panels a row, the rest below."""
    svg = draw("selection", tables(temperatures=(0.2, 0.4, 0.6, 0.8))["selection"])
    assert len([text for text in texts(svg) if "T = " in text]) == 4


def test_draw_of_an_unknown_figure_lists_the_figures() -> None:
    """The message says what there is."""
    with pytest.raises(UsageError, match="no figure 'pie'; there are loss_curves, chain_length, selection"):
        draw("pie", tables()["selection"])


@pytest.mark.parametrize("figure", FIGURES)
def test_inline_svg_takes_the_colours_of_the_page(figure: str) -> None:
    """Inside a page the figure follows light and dark, and brings no styles or namespaces of its own."""
    svg = inline_svg(draw(figure, tables()[figure]), name="here")
    assert svg.startswith("<svg ")
    assert "var(--ink)" in svg
    assert "var(--series-1)" in svg
    assert not any(part in svg for part in ("<style", "<?xml", "http", "xmlns", "<g id="))
    ET.fromstring(svg)


@pytest.mark.parametrize("last", [64, 700, 5_000, 60_000, 590_000, 3_000_000])
def test_loss_figure_labels_tokens_in_plain_numbers(last: int) -> None:
    """However few or many powers of ten the curve spans, no label comes out as TeX source."""
    points = tuple(
        LossPoint(step, tokens, 7.0, 7.0, 1e-3) for step, tokens in enumerate((last // 8, last // 2, last), 1)
    )
    seen = texts(draw("loss_curves", loss_table([LossCurve(model="m", points=points)])))
    assert not [text for text in seen if "$" in text or "\\" in text]
