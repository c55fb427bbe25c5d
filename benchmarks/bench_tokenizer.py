"""Measure the tokenizer: speed of training and encoding, tokens saved by runs of spaces.

Prints Markdown for RESULTS.md. Per core means per second of processor time, all threads together. With
CODELM_DATA set, also the published vocabularies of GPT-3 and Codex on the standard library (the paper: about
30% fewer tokens).

    python benchmarks/bench_tokenizer.py --train-mb 16 --vocab-size 16384
"""

import argparse
import os
import sysconfig
import tempfile
from pathlib import Path

from codelm.corpus import build_corpus, read_documents
from codelm.tokenizer import load_ranks, train_tokenizer, whitespace_saving
from timing import timed


def main() -> None:
    """Run everything and print the tables."""
    parser = argparse.ArgumentParser(description="Speed of the tokenizer, and what runs of spaces save.")
    parser.add_argument("--train-mb", type=float, default=16.0, help="text to train on")
    parser.add_argument("--vocab-size", type=int, default=16_384)
    options = parser.parse_args()
    train, held_out = environment_texts(options.train_mb)
    bench_trained(train, held_out, options.vocab_size)
    if folder := os.environ.get("CODELM_DATA"):
        bench_published(Path(folder) / "tokenizer")


def bench_trained(train: list[str], held_out: list[str], vocab_size: int) -> None:
    """One trained here: speed, and the saving on packages it was not trained on."""
    trained = timed(lambda: train_tokenizer(train, vocab_size=vocab_size))
    tokenizer = trained.value
    encoded = timed(lambda: tokenizer.encode_batch(held_out))
    saving = whitespace_saving(tokenizer, held_out)
    train_mb, held_out_mb = megabytes(train), megabytes(held_out)
    print("| stage | MB/s | MB/s per core |\n|---|---|---|")
    print(f"| train {tokenizer.vocab_size:,} tokens on {train_mb:.1f} MB | {trained.speed(train_mb)} |")
    print(f"| encode {held_out_mb:.1f} MB of other packages | {encoded.speed(held_out_mb)} |")
    print(
        f"\nOn those other packages: {held_out_mb * 1e6 / saving.tokens_with:.2f} bytes per token; runs of "
        f"spaces save {saving.share_saved:.1%} of the tokens.\n"
    )


def bench_published(folder: Path) -> None:
    """Codex's vocabulary next to GPT-3's on the top-level modules of the standard library."""
    paths = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    gpt3, codex = (
        sum(map(len, load_ranks(folder / f"{name}.tiktoken").encode_batch(texts)))
        for name in ("r50k_base", "p50k_base")
    )
    print(f"On {len(texts)} modules of the standard library ({megabytes(texts):.1f} MB):")
    print(f"GPT-3's vocabulary {gpt3:,} tokens, Codex's {codex:,}: {1 - codex / gpt3:.1%} fewer.")


def environment_texts(train_mb: float) -> tuple[list[str], list[str]]:
    """Texts of this environment's packages to train on, and of other packages held out."""
    with tempfile.TemporaryDirectory() as folder:
        build_corpus(None, folder, validation_share=0.2, max_bytes=round(train_mb * 1.3e6))
        train = [document.text for document in read_documents(folder, "train")]
        held_out = [document.text for document in read_documents(folder, "validation")]
    return train, held_out


def megabytes(texts: list[str]) -> float:
    """Size in UTF-8."""
    return sum(len(text.encode()) for text in texts) / 1e6


if __name__ == "__main__":
    main()
