"""`codelm sample`: draw completions from a checkpoint."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from codelm.errors import UsageError

if TYPE_CHECKING:
    from codelm.sampling import SamplingReport


def sample(
    checkpoint: Annotated[Path, typer.Argument(help="Folder of a checkpoint.")],
    *,
    out: Annotated[Path, typer.Option(help="File to write, JSON Lines.")] = Path("samples.jsonl"),
    problems: Annotated[
        str, typer.Option(help="Problem set: a name that `codelm problems list` shows, or a problem file.")
    ] = "humaneval",
    n: Annotated[int, typer.Option("--n", help="Samples per problem.")] = 1,
    temperature: Annotated[float, typer.Option(help="Divides the logits; 0 is greedy.")] = 0.2,
    top_p: Annotated[float, typer.Option(help="Mass of the nucleus, after the temperature.")] = 0.95,
    max_new_tokens: Annotated[int, typer.Option(help="Tokens drawn per sample at most.")] = 300,
    seed: Annotated[int, typer.Option(help="Of all random numbers.")] = 0,
    fast: Annotated[
        bool, typer.Option("--fast", help="Compute only what is in use; rounding may tip a token.")
    ] = False,
    lanes: Annotated[int, typer.Option(help="Sequences decoded together.")] = 64,
    batch_size: Annotated[
        int | None, typer.Option(help="Lanes that may be busy at once.", show_default="all")
    ] = None,
    keep_raw: Annotated[
        bool, typer.Option("--keep-raw", help="Also write the text before its cut and the token ids.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
) -> None:
    """Draw samples for every problem of a set and write them for `codelm evaluate`.

    A run that was stopped goes on where it was when started again.

    Examples: codelm sample runs/codex --n 10 --out samples.jsonl; codelm sample runs/codex --problems chains
    --n 100 --temperature 0.8
    """
    from codelm.problems import load_problems
    from codelm.sampling import SamplingConfig, sample_problems

    try:
        config = SamplingConfig(
            n=n,
            temperature=temperature,
            top_p=top_p,
            max_new_tokens=max_new_tokens,
            seed=seed,
            deterministic=not fast,
            lanes=lanes,
            batch_size=batch_size,
            keep_raw=keep_raw,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    report = sample_problems(checkpoint, load_problems(problems), out, config=config)
    print(json.dumps(asdict(report) | {"path": str(report.path)}) if as_json else _summary(report))


def _summary(report: "SamplingReport") -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in report.stop_reasons.items())
    return (
        f"{report.path}: {report.n_samples:,} samples, {report.n_tokens:,} tokens (ended by: {reasons}); "
        f"{report.n_drawn:,} drawn now in {report.seconds:.1f} s, {report.tokens_per_s:,.0f} tokens/s"
    )
