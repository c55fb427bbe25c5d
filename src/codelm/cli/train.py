"""`codelm train`: a GPT from random weights on token shards."""

import json
from pathlib import Path
from typing import Annotated

import typer

VALIDATION_WINDOWS = 64  # read for each validation loss; more takes time from training


def train(  # noqa: PLR0917 - typer makes options of parameters, whatever their kind
    shards: Annotated[Path, typer.Argument(help="Folder that `codelm corpus tokenize` wrote.")],
    tokenizer: Annotated[Path, typer.Option(help="The tokenizer.json the shards were made with.")],
    out: Annotated[Path, typer.Option(help="Folder for the checkpoint, the loss curve and the state.")],
    steps: Annotated[int, typer.Option(min=1, help="Updates in all.")],
    size: Annotated[str, typer.Option(help="Model size, by parameters outside the embeddings.")] = "0.8M",
    batch_size: Annotated[int, typer.Option(min=1, help="Windows per update.")] = 16,
    length: Annotated[int, typer.Option(min=1, help="Tokens per window, and the model's context.")] = 512,
    learning_rate: Annotated[
        float | None, typer.Option(help="At the peak. Default: that of the GPT of this size.")
    ] = None,
    warmup_steps: Annotated[
        int | None, typer.Option(min=0, help="Updates of linear rise. Default: 175, or all of fewer steps.")
    ] = None,
    validate_every: Annotated[int, typer.Option(min=1, help="Updates between validation losses.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Of the first weights and of the order of data.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Train a GPT on a corpus's tokens. Run the same command again to go on after an interruption.

    OUT then holds a checkpoint that transformers loads, history.jsonl, and the state for resuming. Example:
    codelm train tokens --tokenizer tokenizer.json --size 0.8M --steps 1000 --out runs/small
    """
    from codelm.errors import UsageError
    from codelm.model import GPT, gpt_config
    from codelm.shards import TokenShards
    from codelm.tokenizer import Tokenizer
    from codelm.training import (
        PAPER_WARMUP_STEPS,
        PlainHeldOut,
        PlainObjective,
        TrainConfig,
        gpt_learning_rate,
    )
    from codelm.training import train as run_training

    text = Tokenizer.load(tokenizer)
    config = gpt_config(size, vocab_size=text.vocab_size, n_ctx=length)
    rate = gpt_learning_rate(config.n_params_non_embedding) if learning_rate is None else learning_rate
    try:
        training = TrainConfig(
            steps=steps,
            learning_rate=rate,
            warmup_steps=min(PAPER_WARMUP_STEPS, steps) if warmup_steps is None else warmup_steps,
            validate_every=validate_every,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    validation = None
    if (shards / "validation").is_dir():
        validation = PlainHeldOut(
            TokenShards.open(shards / "validation"),
            batch_size=batch_size,
            length=length,
            max_windows=VALIDATION_WINDOWS,
        )
    result = run_training(
        GPT(config, seed=seed),
        PlainObjective(TokenShards.open(shards / "train"), batch_size=batch_size, length=length, seed=seed),
        training,
        out,
        tokenizer=text,
        validation=validation,
    )
    if as_json:
        print(json.dumps(result._asdict()))
        return
    held_out = "" if result.validation_loss is None else f", validation loss {result.validation_loss:.4f}"
    print(f"{out}: {result.steps:,} updates, {result.tokens:,} tokens, loss {result.loss:.4f}{held_out}")
