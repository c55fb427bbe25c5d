"""`codelm tokenizer`: train a tokenizer on a corpus."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def tokenizer() -> None:
    """Train a tokenizer."""


@app.command()
def train(
    corpus: Annotated[Path, typer.Argument(help="Folder that `codelm corpus build` wrote.")],
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("tokenizer.json"),
    vocab_size: Annotated[int, typer.Option(help="Tokens at most, end of text included.")] = 8192,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Learn a byte-level BPE from a corpus's training documents.

    Shows how many tokens the runs of spaces save on its validation documents. Example:
    codelm tokenizer train corpus --out tokenizer.json --vocab-size 8192
    """
    from codelm.corpus import read_documents
    from codelm.tokenizer import train_tokenizer, whitespace_saving

    trained = train_tokenizer(
        (document.text for document in read_documents(corpus, "train")), vocab_size=vocab_size
    )
    trained.save(out)
    saving = whitespace_saving(trained, (item.text for item in read_documents(corpus, "validation")))
    if as_json:
        share = None if not saving.tokens_without else saving.share_saved
        row = {"vocab_size": trained.vocab_size, "digest": trained.digest, **saving._asdict()}
        print(json.dumps({**row, "share_saved": share}))
        return
    print(f"{out}: {trained.vocab_size:,} tokens, digest {trained.digest[:12]}")
    if saving.tokens_without:
        print(
            f"runs of spaces save {saving.share_saved:.1%} of the tokens of the validation documents "
            f"({saving.tokens_with:,} instead of {saving.tokens_without:,})"
        )
