"""Measure the corpus pipeline on this environment's standard library and packages, stage by stage.

Prints Markdown for RESULTS.md: megabytes of kept text per second, by the clock and per core (per second of
processor time, all threads together). For comparison, CodeParrot's README states 180 GB in 3 h on 16 cores
for its pipeline, which filters, deduplicates and tokenizes: 1.04 MB/s per core.

    python benchmarks/bench_corpus.py --max-mb 50
"""

import argparse
import tempfile
from pathlib import Path

from codelm.corpus import build_corpus, environment_roots, read_documents, tokenize_corpus
from codelm.corpus.collect import collect
from codelm.tokenizer import train_tokenizer
from timing import Timed, timed


def main() -> None:
    """Run each stage once and print the table."""
    parser = argparse.ArgumentParser(description="Speed of the corpus pipeline, stage by stage.")
    parser.add_argument("--max-mb", type=float, default=50.0, help="text to keep")
    parser.add_argument("--vocab-size", type=int, default=8192)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench(Path(folder), max_bytes=round(options.max_mb * 1e6), vocab_size=options.vocab_size)


def bench(folder: Path, *, max_bytes: int, vocab_size: int) -> None:
    """Time the stages in order; each works on what the one before it wrote."""
    found = timed(lambda: collect(environment_roots()))
    built = timed(lambda: build_corpus(None, folder, max_bytes=max_bytes))
    texts = (document.text for document in read_documents(folder, "train"))
    trained = timed(lambda: train_tokenizer(texts, vocab_size=vocab_size))
    tokenized = timed(lambda: tokenize_corpus(folder, trained.value, folder / "tokens"))
    whole = Timed(None, built.wall_s + tokenized.wall_s, built.cpu_s + tokenized.cpu_s)

    report = built.value
    n_mb = sum(count.n_bytes for count in report.splits.values()) / 1e6
    train_mb = report.splits["train"].n_bytes / 1e6
    print("| stage | MB/s | MB/s per core |\n|---|---|---|")
    print(f"| find, read, filter, deduplicate, split, write Parquet | {built.speed(n_mb)} |")
    print(f"| tokenize, write shards | {tokenized.speed(n_mb)} |")
    print(f"| both | {whole.speed(n_mb)} |")
    print(f"| train a tokenizer of {trained.value.vocab_size:,} | {trained.speed(train_mb)} |")
    dropped = ", ".join(f"{count.files:,} {reason}" for reason, count in report.drops.items())
    print(
        f"\n{n_mb:.1f} MB kept of {len(found.value):,} files (found in {found.wall_s:.1f} s), "
        f"{tokenized.value.train.n_tokens:,} training tokens. Dropped: {dropped}."
    )


if __name__ == "__main__":
    main()
