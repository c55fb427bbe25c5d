"""What each stage of a reproduction does: a few lines that call the rooms below, and the files they leave.

Every function fills one folder of the run and reads only the folders it is given.
"""

from pathlib import Path

from codelm.corpus import build_corpus, read_documents, tokenize_corpus
from codelm.curation import HELD_OUT, Evaluated, FamilyConfig, generate_problems, shuffle_docstrings
from codelm.evaluation import evaluate_samples
from codelm.files import atomic_write, write_json
from codelm.model import GPT, gpt_config, load_checkpoint
from codelm.problems import (
    BLOCKS,
    ProblemSet,
    draw_chains,
    load_problems,
    read_problems,
    write_problems,
)
from codelm.recipes.scale import Scale
from codelm.sampling import SamplingConfig, sample_problems
from codelm.sandbox import Limits
from codelm.shards import TokenShards
from codelm.tokenizer import Tokenizer, train_tokenizer, whitespace_saving
from codelm.training import (
    MaskedSolutionHeldOut,
    MaskedSolutionObjective,
    PlainHeldOut,
    PlainObjective,
    TrainConfig,
    train,
)

STARTER, CHAINS, FAMILY, FAMILY_HELD_OUT, CONTROL = (
    f"{name}.jsonl" for name in ("starter", "chains", "family", "family-validation", "control")
)
FAMILY_VALIDATION = 128  # generated problems kept for the validation loss
VALIDATION_WINDOWS = 64  # of held-out text, of `context` tokens, read for each validation loss
VALIDATE_EVERY = 60  # steps
TOKENIZER = "tokenizer.json"
SAMPLES = "samples.jsonl"
RESULTS = f"{SAMPLES}_results.jsonl"


def make_problems(out: Path, *, scale: Scale) -> None:
    """The evaluated problems: the starter set and chains of each length; `draws.json` has the kept shares."""
    write_problems(out / STARTER, load_problems("starter"))
    draws = {
        length: draw_chains(length, len(BLOCKS) if length == 1 else scale.chains_per_length, seed=scale.seed)
        for length in range(1, scale.chain_lengths + 1)
    }
    chains = [problem for draw in draws.values() for problem in draw.problems]
    write_problems(out / CHAINS, ProblemSet.of("chains", chains))
    rows = [
        {"length": length, "kept": len(draw.problems), "tried": draw.tried} for length, draw in draws.items()
    ]
    write_json(out / "draws.json", {"draws": rows})


def make_corpus(out: Path, *, scale: Scale, problems: Path) -> None:
    """The training text, without any file that holds an evaluated problem."""
    build_corpus(
        None,
        out,
        validation_share=scale.validation_share,
        seed=scale.seed,
        max_bytes=scale.corpus_bytes,
        forbidden=_evaluated(problems).in_text,
    )


def make_tokenizer(out: Path, *, scale: Scale, corpus: Path) -> None:
    """A vocabulary learnt from the training text; `saving.json`: what its tokens for runs of spaces save."""
    texts = (document.text for document in read_documents(corpus, "train"))
    tokenizer = train_tokenizer(texts, vocab_size=scale.vocab_size)
    saving = whitespace_saving(
        tokenizer, (document.text for document in read_documents(corpus, "validation"))
    )
    write_json(out / "saving.json", saving._asdict())
    tokenizer.save(out / TOKENIZER)


def make_shards(out: Path, *, corpus: Path, tokenizer: Path) -> None:
    """The corpus as tokens."""
    tokenize_corpus(corpus, Tokenizer.load(tokenizer / TOKENIZER), out)


def make_family(out: Path, *, scale: Scale, problems: Path) -> None:
    """Problems to fine-tune on, and the same with shuffled docstrings for the control.

    `separation.json` counts how many are like an evaluated problem: none.
    """
    evaluated = _evaluated(problems)
    config = FamilyConfig(
        count=scale.family_problems + FAMILY_VALIDATION,
        max_length=scale.family_max_length,
        seed=scale.seed,
    )
    generated = generate_problems(config, evaluated)
    training, validation = generated.problems[FAMILY_VALIDATION:], generated.problems[:FAMILY_VALIDATION]
    write_problems(out / FAMILY, ProblemSet.of("family", training))
    write_problems(out / FAMILY_HELD_OUT, ProblemSet.of("family-validation", validation))
    write_problems(out / CONTROL, ProblemSet.of("control", shuffle_docstrings(training, seed=scale.seed)))
    write_json(
        out / "separation.json",
        {
            "problems": len(training),
            "rejected": generated.rejected,  # candidates that were like an evaluated problem
            "like_an_evaluated_problem": sum(evaluated.like(problem) is not None for problem in training),
            "held_out_blocks": list(HELD_OUT),
        },
    )


def train_codex(out: Path, *, scale: Scale, size: str, shards: Path, tokenizer: Path) -> None:
    """A plain language model of the corpus, from random weights."""
    text = Tokenizer.load(tokenizer / TOKENIZER)
    model = GPT(gpt_config(size, vocab_size=text.vocab_size, n_ctx=scale.context), seed=scale.seed)
    objective = PlainObjective(
        TokenShards.open(shards / "train"),
        batch_size=scale.codex_batch,
        length=scale.context,
        seed=scale.seed,
    )
    held_out = PlainHeldOut(
        TokenShards.open(shards / "validation"),
        batch_size=scale.codex_batch,
        length=scale.context,
        max_windows=VALIDATION_WINDOWS,
    )
    steps = scale.codex_tokens // (scale.codex_batch * scale.context)
    config = _config(scale, steps, scale.codex_learning_rate)
    train(model, objective, config, out, tokenizer=text, validation=held_out)


def train_codex_s(out: Path, *, scale: Scale, problems: Path, validation: Path, codex: Path) -> None:
    """Codex fine-tuned on problems, with the loss on their solutions alone."""
    model, tokenizer = load_checkpoint(codex)
    shape = {"end_of_text_id": tokenizer.end_of_text_id, "max_length": model.config.n_ctx}
    objective = MaskedSolutionObjective(
        _examples(problems, tokenizer), batch_size=scale.codex_s_batch, seed=scale.seed, **shape
    )
    held_out = MaskedSolutionHeldOut(
        _examples(validation, tokenizer), batch_size=scale.codex_s_batch, **shape
    )
    steps = scale.codex_s_epochs * objective.steps_per_epoch
    config = _config(scale, steps, scale.codex_s_learning_rate)
    train(model, objective, config, out, tokenizer=tokenizer, validation=held_out)


def draw_samples(
    out: Path, *, scale: Scale, checkpoint: Path, problems: Path, temperature: float, n: int
) -> None:
    """Samples of one model for one problem set at one temperature."""
    config = SamplingConfig(
        n=n,
        temperature=temperature,
        top_p=scale.top_p,
        max_new_tokens=scale.max_new_tokens,
        seed=scale.seed,
    )
    sample_problems(checkpoint, read_problems(problems), out / SAMPLES, config=config)


def judge_samples(out: Path, *, scale: Scale, samples: Path, problems: Path) -> None:
    """Their verdicts, as `codelm evaluate` gives them."""
    with atomic_write(out / SAMPLES) as copy:
        copy.write((samples / SAMPLES).read_bytes())
    evaluate_samples(
        out / SAMPLES,
        read_problems(problems),
        limits=Limits(time_s=scale.timeout_s),
        ks=(1,),
        seed=scale.seed,
    )


def _examples(problems: Path, tokenizer: Tokenizer) -> list[tuple[list[int], list[int]]]:
    """Prompts and solutions as ids, encoded apart: sampling too encodes a prompt without its solution."""
    chosen = list(read_problems(problems).problems.values())
    prompts = tokenizer.encode_batch([problem.prompt for problem in chosen])
    solutions = tokenizer.encode_batch([str(problem.canonical_solution) for problem in chosen])
    return list(zip(prompts, solutions, strict=True))


def _config(scale: Scale, steps: int, learning_rate: float) -> TrainConfig:
    return TrainConfig(
        steps=steps,
        learning_rate=learning_rate,
        warmup_steps=min(scale.warmup_steps, steps),
        validate_every=VALIDATE_EVERY,
    )


def _evaluated(problems: Path) -> Evaluated:
    sets = [read_problems(problems / name).problems.values() for name in (STARTER, CHAINS)]
    return Evaluated(problem for problem_set in sets for problem in problem_set)
