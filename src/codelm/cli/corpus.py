"""`codelm corpus`: build a corpus of Python source, look at it, tokenize it."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from codelm.corpus import CorpusReport

app = typer.Typer(no_args_is_help=True)

Corpus = Annotated[Path, typer.Argument(help="Folder that `codelm corpus build` wrote.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
LARGEST = 10  # packages shown by `stats`


@app.command()
def build(  # noqa: PLR0917 - typer makes options of parameters, whatever their kind
    out: Annotated[Path, typer.Argument(help="Folder to write the corpus to.")],
    root: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of packages, or one project; may be given several times. "
            "Default: the standard library and the packages of the running environment."
        ),
    ] = None,
    max_mb: Annotated[
        float | None, typer.Option(min=0.001, help="Most text to keep, in MB (10^6 bytes).")
    ] = None,
    validation_share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Expected share of packages held out.")
    ] = 0.05,
    seed: Annotated[
        int, typer.Option(help="Chooses the packages held out, and the files of a smaller corpus.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Collect, filter, deduplicate and split Python files (the Codex paper's filters).

    Example: codelm corpus build corpus --max-mb 50
    """
    from codelm.corpus import build_corpus

    report = build_corpus(
        root,
        out,
        validation_share=validation_share,
        seed=seed,
        max_bytes=None if max_mb is None else round(max_mb * 1e6),
    )
    print(json.dumps(report.to_json(), indent=2) if as_json else _report_text(report))


@app.command()
def stats(corpus: Corpus, as_json: AsJson = False) -> None:
    """Show what a corpus holds, what was left out and why, and its largest packages.

    Example: codelm corpus stats corpus
    """
    from codelm.corpus import CorpusReport, count_packages

    report, packages = CorpusReport.read(corpus), count_packages(corpus)
    if as_json:
        rows = [package._asdict() for package in packages]
        print(json.dumps({**report.to_json(), "package_counts": rows}, indent=2))
        return
    print(_report_text(report))
    print(f"\n{'largest packages':24} {'documents':>10} {'MB':>9}  split, licence")
    for package in packages[:LARGEST]:
        note = f"{package.split}, {package.license or 'not stated'}"
        print(f"  {package.repo:22} {package.documents:>10,} {package.n_bytes / 1e6:>9,.2f}  {note}")


@app.command()
def tokenize(
    corpus: Corpus,
    tokenizer: Annotated[Path, typer.Option(help="The tokenizer.json to use.")],
    out: Annotated[Path, typer.Option(help="Folder to write the shard folders train and validation to.")],
    as_json: AsJson = False,
) -> None:
    """Turn a corpus into token shards for `codelm train`.

    Example: codelm corpus tokenize corpus --tokenizer tokenizer.json --out tokens
    """
    from codelm.corpus import tokenize_corpus
    from codelm.tokenizer import Tokenizer

    done = tokenize_corpus(corpus, Tokenizer.load(tokenizer), out)
    manifests = {split: manifest for split, manifest in done._asdict().items() if manifest}
    if as_json:
        print(json.dumps({split: asdict(manifest) for split, manifest in manifests.items()}, indent=2))
        return
    for split, manifest in manifests.items():
        print(f"{split:12} {manifest.n_documents:>10,} documents {manifest.n_tokens:>14,} tokens")


def _report_text(report: "CorpusReport") -> str:
    return "\n".join(_report_lines(report))


def _report_lines(report: "CorpusReport") -> Iterator[str]:
    from codelm.corpus import REASONS

    yield f"{report.files_found:,} files found"
    if report.files_beyond_budget:
        yield f"{report.files_beyond_budget:,} of them not read: the corpus had reached its size"
    yield f"\n{'kept':24} {'documents':>10} {'MB':>9} {'packages':>9}"
    for split, kept in report.splits.items():
        yield f"  {split:22} {kept.documents:>10,} {kept.n_bytes / 1e6:>9,.2f} {kept.packages:>9,}"
    yield f"\n{'dropped':24} {'files':>10} {'MB':>9}"
    for reason, dropped in report.drops.items():
        yield f"  {reason:22} {dropped.files:>10,} {dropped.n_bytes / 1e6:>9,.2f}  {REASONS[reason]}"
