"""The list of stages of a reproduction: which there are, what each depends on, what each is given."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from codelm.corpus import files_digest
from codelm.recipes import steps
from codelm.recipes.scale import Scale
from codelm.recipes.stages import Stage


class Model(NamedTuple):
    """One trained model: its name in tables and folders, and its size."""

    name: str
    size: str


class Draw(NamedTuple):
    """Samples of one model for one problem set at one temperature."""

    model: Model
    problem_set: str  # "starter" or "chains"
    temperature: float
    n: int  # per problem

    @property
    def folder(self) -> str:
        """The name of its stages, but for their prefix."""
        return f"{self.model.name}-{self.problem_set}-T{self.temperature:g}"


def codex_models(scale: Scale) -> list[Model]:
    """Codex, small to large."""
    return [Model(f"codex-{size}", size) for size in scale.sizes]


def codex_s_models(scale: Scale) -> list[Model]:
    """Codex-S, small to large."""
    return [Model(f"codex-s-{size}", size) for size in scale.sizes]


def control_model(scale: Scale) -> Model:
    """The control: the smallest Codex-S, trained on shuffled docstrings."""
    return Model(f"control-{scale.sizes[0]}", scale.sizes[0])


def models(scale: Scale) -> list[Model]:
    """Every model that is trained, in the order of training."""
    return [*codex_models(scale), *codex_s_models(scale), control_model(scale)]


def draws(scale: Scale) -> list[Draw]:
    """Every set of samples: all models on the chains, the largest Codex-S on the starter set too.

    Only the largest Codex-S, on the chains at the highest temperature, has enough for pass@100.
    """
    last = codex_s_models(scale)[-1]
    sampled = [*((model, "chains") for model in models(scale)), (last, "starter")]
    return [
        Draw(model, problem_set, temperature, _samples(scale, model == last, problem_set, temperature))
        for model, problem_set in sampled
        for temperature in scale.temperatures
    ]


def plan(scale: Scale, run: Path) -> list[Stage]:
    """All stages in order; `run` is the folder that holds theirs."""
    return [*_data_stages(scale, run), *_training_stages(scale, run), *_sampling_stages(scale, run)]


def _samples(scale: Scale, is_last: bool, problem_set: str, temperature: float) -> int:
    hottest = temperature == max(scale.temperatures)
    return scale.samples_last if is_last and problem_set == "chains" and hottest else scale.samples


def _data_stages(scale: Scale, run: Path) -> Iterator[Stage]:
    yield _stage(
        "problems", "problems to evaluate", partial(steps.make_problems, scale=scale), scale, _PROBLEMS
    )
    yield _stage(
        "corpus",
        "corpus: collect, filter, deduplicate, split",
        partial(steps.make_corpus, scale=scale, problems=run / "problems"),
        scale,
        ("seed", "corpus_bytes", "validation_share"),
        inputs=("problems",),
        files=files_digest(None),  # what is installed is an input like any other
    )
    yield _stage(
        "tokenizer",
        "tokenizer",
        partial(steps.make_tokenizer, scale=scale, corpus=run / "corpus"),
        scale,
        ("vocab_size",),
        inputs=("corpus",),
    )
    yield _stage(
        "shards",
        "token shards",
        partial(steps.make_shards, corpus=run / "corpus", tokenizer=run / "tokenizer"),
        scale,
        (),
        inputs=("corpus", "tokenizer"),
    )
    yield _stage(
        "family",
        "problems to fine-tune on",
        partial(steps.make_family, scale=scale, problems=run / "problems"),
        scale,
        ("seed", "family_problems", "family_max_length"),
        inputs=("problems",),
    )


_PROBLEMS = ("seed", "chain_lengths", "chains_per_length")
_CODEX = ("seed", "context", "codex_tokens", "codex_batch", "codex_learning_rate", "warmup_steps")
_CODEX_S = ("seed", "codex_s_epochs", "codex_s_batch", "codex_s_learning_rate", "warmup_steps")
_SAMPLING = ("seed", "top_p", "max_new_tokens")


def _training_stages(scale: Scale, run: Path) -> Iterator[Stage]:
    for model in codex_models(scale):
        work = partial(
            steps.train_codex,
            scale=scale,
            size=model.size,
            shards=run / "shards",
            tokenizer=run / "tokenizer",
        )
        yield _stage(
            model.name,
            f"training {model.name}",
            work,
            scale,
            _CODEX,
            inputs=("shards", "tokenizer"),
            size=model.size,
        )
    fine_tuned = [(model, steps.FAMILY) for model in codex_s_models(scale)]
    for model, problems in [*fine_tuned, (control_model(scale), steps.CONTROL)]:
        work = partial(
            steps.train_codex_s,
            scale=scale,
            problems=run / "family" / problems,
            validation=run / "family" / steps.FAMILY_HELD_OUT,
            codex=run / f"codex-{model.size}",
        )
        inputs = (f"codex-{model.size}", "family")
        yield _stage(
            model.name, f"training {model.name}", work, scale, _CODEX_S, inputs=inputs, problems=problems
        )


def _sampling_stages(scale: Scale, run: Path) -> Iterator[Stage]:
    for draw in draws(scale):
        problems = run / "problems" / f"{draw.problem_set}.jsonl"
        samples = f"samples-{draw.folder}"
        yield _stage(
            samples,
            f"sampling {draw.model.name} on {draw.problem_set}, T={draw.temperature:g}",
            partial(
                steps.draw_samples,
                scale=scale,
                checkpoint=run / draw.model.name,
                problems=problems,
                temperature=draw.temperature,
                n=draw.n,
            ),
            scale,
            _SAMPLING,
            inputs=(draw.model.name, "problems"),
            group="sampling",
            n=draw.n,
            temperature=draw.temperature,
        )
        yield _stage(
            f"verdicts-{draw.folder}",
            f"judging {draw.model.name} on {draw.problem_set}, T={draw.temperature:g}",
            partial(steps.judge_samples, scale=scale, samples=run / samples, problems=problems),
            scale,
            ("seed", "timeout_s"),
            inputs=(samples, "problems"),
            group="judging",
        )


def _stage(
    name: str,
    title: str,
    run: Callable[[Path], None],
    scale: Scale,
    options: Sequence[str],
    *,
    inputs: Sequence[str] = (),
    group: str | None = None,
    **more: object,
) -> Stage:
    """A stage that depends on these options of the scale, and on the values of `more`; a group of its own."""
    values = scale.to_json()
    chosen = {option: values[option] for option in options} | more
    return Stage(name=name, title=title, group=group or title, run=run, options=chosen, inputs=inputs)
