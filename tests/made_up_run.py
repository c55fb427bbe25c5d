"""A run's folder with made-up but realistic results, for tests of the report."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codelm.experiments import (
    Column,
    Judged,
    JudgedSet,
    LossCurve,
    LossPoint,
    Table,
    chain_length_table,
    choose_examples,
    falloff_table,
    loss_table,
    pass_table,
    scaling_table,
    selection_table,
)
from codelm.files import write_json
from codelm.problems import Problem, chain_problem
from codelm.report import Program, ReportContent, Section, number, write_programs

HELD_OUT = (4, 9, 12)
SKILL = {"Codex 0.8M": 0.04, "Codex-S 0.8M": 0.55, "Codex-S 3.2M": 0.85, "control 3.2M": 0.01}


def make_run(run: Path) -> ReportContent:
    """Write the files of a run under `run` and return what its report says about them."""
    problems = _chains()
    sets = [
        _judged(model, skill, temperature, problems)
        for model, skill in SKILL.items()
        for temperature in (0.2, 0.8)
    ]
    curves = [_losses("Codex 0.8M", 0.8), _losses("Codex 3.2M", 3.2)]
    chains = chain_length_table(sets[2:6], problems=problems, held_out=HELD_OUT)
    tables = {
        "pass": pass_table(sets),
        "chains": chains,
        "falloff": falloff_table(chains),
        "selection": selection_table([sets[3], sets[5]]),
        "loss": loss_table(curves),
        "scaling": scaling_table(curves, parameters={"Codex 0.8M": 786_432, "Codex 3.2M": 3_145_728}),
        "stages": _stages(),
    }
    for name, table in tables.items():
        write_json(run / f"tables/{name}.json", table.to_json())
    write_json(run / "corpus/report.json", {"documents": 3127, "bytes": 41_203_775, "share": 0.2931})
    write_programs(run / "programs.json", _programs(sets[4], problems))
    return _content(tables)


def _chains() -> dict[str, Problem]:
    """The 13 single blocks and 20 random chains of each further length."""
    rng = random.Random(0)
    blocks = [[number] for number in range(1, 14)]
    blocks += [rng.choices(range(1, 14), k=length) for length in range(2, 8) for _ in range(20)]
    return {problem.task_id: problem for problem in map(chain_problem, blocks)}


def _content(tables: Mapping[str, Table[Any]]) -> ReportContent:
    best = {"model": "Codex-S 3.2M", "temperature": 0.2}
    single = tables["chains"].pointer("pass rate", {**best, "chains": "trained blocks only", "length": 1})
    factor = tables["falloff"].pointer("factor per block", {**best, "chains": "trained blocks only"})
    control = tables["pass"].pointer("pass@1", {"model": "control 3.2M", "temperature": 0.2})
    return ReportContent(
        title="Codex and Codex-S on a laptop",
        subtitle="Two small language models of code, trained on this machine's Python, fine-tuned on "
        "generated functions, and judged on chains of string operations.",
        date="25 November 2026, 14:49 UTC",
        summary=(
            f"Codex-S 3.2M writes a correct program for {number('tables/chains.json', single)} of single "
            f"blocks at temperature 0.2; with every further block the rate falls by a factor of "
            f"{number('tables/falloff.json', factor)}.",
            f"A control trained on shuffled docstrings reaches {number('tables/pass.json', control)}.",
        ),
        sections=(
            Section(
                title="pass@k",
                text="The chance that at least one of k samples passes every test of its problem.",
                table_file="tables/pass.json",
            ),
            Section(
                title="Longer chains are harder",
                text=f"Of {number('corpus/report.json', '/documents')} documents, whitespace tokens saved "
                f"{number('corpus/report.json', '/share', 'rate')} of the tokens.\n\nA second paragraph.",
                table_file="tables/chains.json",
                figure="chain_length",
            ),
            Section(title="How fast the rate falls", table_file="tables/falloff.json"),
            Section(title="Choosing without tests", table_file="tables/selection.json", figure="selection"),
            Section(title="Learning to predict code", table_file="tables/loss.json", figure="loss_curves"),
            Section(title="Size", table_file="tables/scaling.json"),
        ),
        machine={"processor": "an x86-64 CPU", "cores": 2, "memory (GB)": 7.7, "system": "Linux"},
        options={"scale": "laptop", "seed": 0, "steps": 1200, "learning rate": 6e-4, "compile": False},
        provenance={"problem set chains": "9f" * 32, "codelm": "0.1.0", "tokens": 12_345_678},
        stages_file="tables/stages.json",
        programs_file="programs.json",
    )


def _judged(model: str, skill: float, temperature: float, problems: dict[str, Problem]) -> JudgedSet:
    rng = random.Random(f"{model}/{temperature}")
    samples = []
    for task, problem in problems.items():
        blocks = problem.metadata["blocks"]
        rate = skill ** len(blocks) * (0.5 if set(HELD_OUT) & set(blocks) else 1.0)
        rate = min(1.0, max(0.0, rate + rng.gauss(0, 0.1 * rate)))
        samples += [_sample(rng, task, i, rng.random() < rate, problem) for i in range(20)]
    return JudgedSet(model=model, problem_set="chains", temperature=temperature, samples=tuple(samples))


def _sample(rng: random.Random, task: str, i: int, passed: bool, problem: Problem) -> Judged:
    n_tokens = rng.randint(8, 60)
    mean = -rng.expovariate(4.0 if passed else 2.0)
    wrong = "    s = s.lower()\n    return s\n"
    return Judged(
        task_id=task,
        sample=i,
        passed=passed,
        verdict="passed" if passed else rng.choice(["wrong", "wrong", "syntax_error", "timeout"]),
        mean_logprob=mean,
        sum_logprob=mean * n_tokens,
        n_tokens=n_tokens,
        completion=problem.canonical_solution or "" if passed else wrong,
    )


def _programs(judged: JudgedSet, problems: dict[str, Problem]) -> list[Program]:
    chosen = choose_examples(judged.samples, passing=5, failing=5)
    return [
        Program(
            task_id=sample.task_id,
            model=judged.model,
            temperature=judged.temperature,
            sample=sample.sample,
            passed=sample.passed,
            verdict=sample.verdict,
            prompt=problems[sample.task_id].prompt,
            completion=sample.completion,
            mean_logprob=sample.mean_logprob,
        )
        for sample in (*chosen.passing, *chosen.failing)
    ]


def _losses(model: str, size: float) -> LossCurve:
    rng = random.Random(model)
    points = tuple(
        LossPoint(
            step=step,
            tokens=step * 8192,
            loss=1.6 + 6.5 * (1 + step) ** -0.35 - 0.1 * size**0.5 + rng.gauss(0, 0.06),
            validation_loss=1.7 + 6.5 * (1 + step) ** -0.35 - 0.1 * size**0.5
            if step % 100 == 0
            else float("nan"),
            learning_rate=6e-4,
        )
        for step in range(0, 1201, 5)
    )
    return LossCurve(model=model, points=points)


def _stages() -> Table[tuple[str, float, str]]:
    rows = (("corpus", 14.2, "done"), ("tokenizer", 8.91, "done"), ("codex-0.8M", 121.0, "unchanged"))
    columns = (Column("stage", "text"), Column("seconds", "number"), Column("status", "text"))
    return Table(title="Seconds per stage", columns=columns, rows=rows)
