"""What a finished reproduction found: its tables, the report's content, and the lines for the terminal.

Reads the folders of the stages, calls `experiments` and hands the tables to `report`.
"""

import os
import platform
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from codelm import __version__
from codelm.corpus import CorpusReport
from codelm.curation import HELD_OUT
from codelm.experiments import (
    TRAINED,
    Column,
    JudgedSet,
    LossCurve,
    Table,
    chain_length_table,
    choose_examples,
    falloff_table,
    loss_table,
    pass_table,
    read_history,
    read_judged,
    scaling_table,
    selection_table,
)
from codelm.files import read_json, write_json
from codelm.model import gpt_config
from codelm.problems import ProblemSet, read_problems
from codelm.recipes import steps
from codelm.recipes.plan import Draw, codex_models, codex_s_models, control_model, draws
from codelm.recipes.scale import Departure, Scale, departures
from codelm.recipes.stages import StageResult
from codelm.report import Program, ReportContent, Section, number, write_programs, write_report

TABLES = "tables"  # folder of the run that holds what this module writes
SHOWN_K = (1, 2, 5, 10, 20, 50, 100)
SHOWN = ("stages", "chain-length", "pass", "selection")  # in the terminal


class Findings(NamedTuple):
    """What a reproduction leaves for a reader."""

    tables: tuple[Table[Any], ...]  # those the terminal shows
    report: Path  # report.html


def write_findings(run: Path, scale: Scale, stages: Sequence[StageResult]) -> Findings:
    """Write every table of a finished run and its `report.html`; return what the terminal shows."""
    judged = {draw: _judged_set(run, draw) for draw in draws(scale)}
    chains = read_problems(run / "problems" / steps.CHAINS)
    last = _last_draw(scale)
    codex_losses = [_losses(run, model.name) for model in codex_models(scale)]
    tuned = [*codex_s_models(scale), control_model(scale)]
    on_chains = [judged[draw] for draw in judged if draw.problem_set == "chains" and draw.model in tuned]
    chain_lengths = chain_length_table(on_chains, problems=chains.problems, held_out=HELD_OUT)
    tables: dict[str, Table[Any]] = {
        "pass": pass_table(judged.values()),
        "chain-length": chain_lengths,
        "falloff": falloff_table(chain_lengths),
        "selection": selection_table([judged[last]]),
        "codex-loss": loss_table(codex_losses),
        "codex-s-loss": loss_table([_losses(run, model.name) for model in tuned]),
        "scaling": scaling_table(codex_losses, parameters=_parameters(run, scale)),
        "corpus": _corpus_table(run),
        "chains-kept": _chains_kept_table(run),
        "departures": _departures_table(scale),
        "stages": _stages_table(stages),
    }
    for name, table in tables.items():
        write_json(run / TABLES / f"{name}.json", table.to_json())
    _write_programs(run, judged[last], chains)
    report = write_report(run, _content(scale, tables))
    return Findings(tuple(_shortened(tables[name], scale) for name in SHOWN), report)


def _shortened(table: Table[Any], scale: Scale) -> Table[Any]:
    """The same table without rows that would fill a terminal: of every k a few, of chains one temperature."""
    columns = {column.name for column in table.columns}
    rows = table.rows
    if "k" in columns:
        rows = tuple(row for row in rows if row.k in SHOWN_K)
    if "length" in columns:
        rows = tuple(row for row in rows if row.temperature == min(scale.temperatures))
    more = () if len(rows) == len(table.rows) else ("The other rows are in report.html.",)
    return replace(table, rows=rows, notes=(*table.notes, *more))


def _last_draw(scale: Scale) -> Draw:
    """The samples that selection and pass@100 are about."""
    return max(
        (
            draw
            for draw in draws(scale)
            if draw.model == codex_s_models(scale)[-1] and draw.problem_set == "chains"
        ),
        key=lambda draw: draw.temperature,
    )


def _judged_set(run: Path, draw: Draw) -> JudgedSet:
    return JudgedSet(
        model=draw.model.name,
        problem_set=draw.problem_set,
        temperature=draw.temperature,
        samples=read_judged(run / f"verdicts-{draw.folder}" / steps.RESULTS),
    )


def _losses(run: Path, model: str) -> LossCurve:
    return LossCurve(model=model, points=read_history(run / model / "history.jsonl"))


def _parameters(run: Path, scale: Scale) -> dict[str, int]:
    vocab_size = read_json(run / codex_models(scale)[0].name / "config.json")["vocab_size"]
    return {
        model.name: gpt_config(model.size, vocab_size=vocab_size, n_ctx=scale.context).n_params_non_embedding
        for model in codex_models(scale)
    }


def _corpus_table(run: Path) -> Table[tuple[str, int, int]]:
    report = CorpusReport.read(run / "corpus")
    kept = [(f"kept for {split}", count.documents, count.n_bytes) for split, count in report.splits.items()]
    dropped = [(f"dropped: {reason}", count.files, count.n_bytes) for reason, count in report.drops.items()]
    return Table(
        title="Training text",
        columns=(Column("what", "text"), Column("files", "count"), Column("bytes", "count")),
        rows=(*kept, *dropped),
        notes=(
            f"{report.files_found:,} files were found; {report.files_beyond_budget:,} were not read because "
            "the byte budget was full.",
        ),
    )


def _chains_kept_table(run: Path) -> Table[tuple[int, int, int, float]]:
    rows = read_json(run / "problems" / "draws.json")["draws"]
    return Table(
        title="Chains kept",
        columns=(
            Column("length", "count"),
            Column("kept", "count"),
            Column("tried", "count"),
            Column("share", "rate"),
        ),
        rows=tuple((row["length"], row["kept"], row["tried"], row["kept"] / row["tried"]) for row in rows),
        notes=("A chain is kept when its tests tell it from every chain with a block missing or replaced.",),
    )


def _departures_table(scale: Scale) -> Table[Departure]:
    columns = tuple(Column(name, "text") for name in Departure._fields)
    return Table(title="Departures from the paper", columns=columns, rows=tuple(departures(scale)))


def _stages_table(stages: Sequence[StageResult]) -> Table[tuple[str, float]]:
    seconds: dict[str, float] = defaultdict(float)
    for stage in stages:
        seconds[stage.group] += stage.seconds
    rows = [(group, round(total, 1)) for group, total in seconds.items()]
    return Table(
        title="Seconds per stage",
        columns=(Column("stage", "text"), Column("seconds", "number")),
        rows=(*rows, ("all", round(sum(seconds.values()), 1))),
    )


def _write_programs(run: Path, judged: JudgedSet, problems: ProblemSet) -> None:
    chosen = choose_examples(judged.samples, passing=6, failing=8)
    programs = [
        Program(
            task_id=sample.task_id,
            model=judged.model,
            temperature=judged.temperature,
            sample=sample.sample,
            passed=sample.passed,
            verdict=sample.verdict,
            prompt=problems.problems[sample.task_id].prompt,
            completion=sample.completion,
            mean_logprob=sample.mean_logprob,
        )
        for sample in (*chosen.passing, *chosen.failing)
    ]
    write_programs(run / TABLES / "programs.json", programs)


def _content(scale: Scale, tables: dict[str, Table[Any]]) -> ReportContent:
    return ReportContent(
        title="Codex, from source text to pass@k",
        subtitle="A reproduction of Chen et al. 2021 on one machine, by codelm reproduce.",
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        summary=tuple(_summary(scale, tables)),
        sections=_sections(),
        machine={
            "processor cores": os.cpu_count(),
            "memory, GB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
            "system": f"{platform.system()} {platform.machine()}",
            "Python": platform.python_version(),
        },
        options={name: _shown(value) for name, value in scale.to_json().items()},
        provenance={"codelm": __version__},
        stages_file=f"{TABLES}/stages.json",
        programs_file=f"{TABLES}/programs.json",
    )


def _shown(value: object) -> str | int | float:
    return value if isinstance(value, int | float) else ", ".join(map(str, value))  # type: ignore[call-overload]


def _summary(scale: Scale, tables: dict[str, Table[Any]]) -> Iterator[str]:
    """The findings as sentences; the page looks their numbers up."""
    last, control = codex_s_models(scale)[-1].name, control_model(scale).name
    coolest, hottest = min(scale.temperatures), max(scale.temperatures)
    passes, chains = tables["pass"], tables["chain-length"]

    def of_length(model: str, length: int) -> str:
        row = {"model": model, "temperature": coolest, "length": length, "chains": TRAINED}
        return number(f"{TABLES}/chain-length.json", chains.pointer("pass rate", row))

    def of_pass(problem_set: str, temperature: float, column: str) -> str:
        row = {"model": last, "problems of": problem_set, "temperature": temperature}
        return number(f"{TABLES}/pass.json", passes.pointer(column, row))

    yield (
        f"At temperature {coolest:g}, {last} passes {of_length(last, 1)} of the chains of one block that "
        f"occurs in training; the control, fine-tuned on shuffled docstrings, {of_length(control, 1)}."
    )
    longest = max(
        (row.length for row in chains.rows if row.model == last and row.chains == TRAINED), default=1
    )
    if longest > 1:
        yield f"Of the chains of {longest} such blocks {last} passes {of_length(last, longest)}."
    if scale.samples_last >= 100:
        yield (
            f"Of all chains it solves {of_pass('chains', coolest, 'pass@1')} with one sample, and "
            f"{of_pass('chains', hottest, 'pass@100')} with the best of 100 at temperature {hottest:g}."
        )
    yield f"Of the starter set it passes {of_pass('starter', coolest, 'pass@1')}."


def _sections() -> tuple[Section, ...]:
    def table(name: str) -> str:
        return f"{TABLES}/{name}.json"

    return (
        Section(
            title="Pass rate against chain length",
            text="The paper's synthetic problems (its figure 11): each chains some of thirteen blocks. Ten "
            "of them occur in the fine-tuning problems, inside other compositions; chains with one of the "
            "three that never do are shown apart. No evaluated chain is trained on.",
            table_file=table("chain-length"),
            figure="chain_length",
        ),
        Section(title="How fast it falls", table_file=table("falloff")),
        Section(title="pass@k", table_file=table("pass")),
        Section(
            title="Picking one sample without tests",
            text="The paper's figure 7: of k samples, submit the one with the highest mean log-probability.",
            table_file=table("selection"),
            figure="selection",
        ),
        Section(title="Codex: loss", table_file=table("codex-loss"), figure="loss_curves"),
        Section(
            title="Codex-S and the control: loss on solutions",
            text="The validation loss is on held-out generated problems with their true docstrings; the "
            "control learns how solutions look but not which one is asked for.",
            table_file=table("codex-s-loss"),
            figure="loss_curves",
        ),
        Section(title="Loss by size", table_file=table("scaling")),
        Section(title="Training text", table_file=table("corpus")),
        Section(title="Chains kept", table_file=table("chains-kept")),
        Section(title="Departures from the paper", table_file=table("departures")),
    )
