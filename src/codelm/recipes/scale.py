"""The numbers of a reproduction, and how each departs from the paper."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NamedTuple, Self, get_type_hints

from codelm.errors import UsageError
from codelm.files import Json
from codelm.model import gpt_config
from codelm.problems import MAX_CHAIN_LENGTH
from codelm.tokenizer import MIN_VOCAB_SIZE


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Every option of a reproduction; token budgets, not time budgets, so that a rerun is the same run."""

    seed: int = 0  # of everything that is drawn

    corpus_bytes: int = 12_000_000  # source text kept, training and validation together
    validation_share: float = 0.1  # of the packages
    vocab_size: int = 4096

    sizes: tuple[str, ...] = ("0.4M", "0.8M")  # of the models, small to large
    context: int = 256  # tokens a model can look back
    codex_tokens: int = 600_000  # trained on, per size
    codex_batch: int = 8  # windows of `context` tokens per step
    codex_learning_rate: float = 3e-3  # peak

    family_problems: int = 8_000  # generated problems to fine-tune on
    family_max_length: int = 4  # operations per problem
    codex_s_epochs: int = 1  # passes over the generated problems
    codex_s_batch: int = 8  # problems per step
    codex_s_learning_rate: float = 2.5e-3  # peak
    warmup_steps: int = 40

    chain_lengths: int = 4  # chains of 1 to this many blocks are evaluated
    chains_per_length: int = 10  # all 13 of length 1
    temperatures: tuple[float, ...] = (0.2, 0.8)
    top_p: float = 0.95
    samples: int = 10  # per problem and temperature
    samples_last: int = 100  # of the largest Codex-S on the chains at the highest temperature
    max_new_tokens: int = 120
    timeout_s: float = 3.0

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not all(low <= item <= high for item in (value if isinstance(value, tuple) else (value,))):
                raise ValueError(f"{name} must be {low:g} to {high:g}, got {value}")
        for name in ("sizes", "temperatures"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name} must be one value or several different ones, got {values}")
        if self.codex_tokens < self.codex_batch * self.context:
            raise ValueError(
                f"codex_tokens must fill a step of codex_batch x context tokens, got {self.codex_tokens}"
            )
        for size in self.sizes:
            gpt_config(size, vocab_size=self.vocab_size, n_ctx=self.context)

    def with_options(self, assignments: Iterable[str]) -> Self:
        """The same scale with `name=value` assignments applied. Raises: UsageError."""
        changes: dict[str, Any] = {}
        types = get_type_hints(type(self))
        for assignment in assignments:
            name, _, text = assignment.partition("=")
            if name not in types:
                known = ", ".join(field.name for field in fields(self))
                raise UsageError(f"unknown option {name!r} in --set {assignment!r}; known are {known}")
            changes[name] = _parse(text, types[name], assignment)
        try:
            return replace(self, **changes)
        except ValueError as error:
            raise UsageError(f"--set: {error}") from error

    def to_json(self) -> Json:
        """Every option by name."""
        return asdict(self)


_MANY = 1e12
_RANGES = {
    "seed": (0, 2**31 - 1),
    "corpus_bytes": (1, _MANY),
    "validation_share": (0.001, 0.999),
    "vocab_size": (MIN_VOCAB_SIZE, 2**31 - 1),
    "context": (64, 2**20),
    "codex_tokens": (1, _MANY),
    "codex_batch": (1, 2**20),
    "codex_learning_rate": (1e-9, 10),
    "family_problems": (1, 10_000_000),
    "family_max_length": (1, 100),
    "codex_s_epochs": (1, 1000),
    "codex_s_batch": (1, 2**20),
    "codex_s_learning_rate": (1e-9, 10),
    "warmup_steps": (0, 2**31 - 1),
    "chain_lengths": (1, MAX_CHAIN_LENGTH),
    "chains_per_length": (1, 120),  # of the 169 chains of length 2, some 150 are telling
    "temperatures": (0, 100),
    "top_p": (1e-9, 1),
    "samples": (1, 1_000_000),
    "samples_last": (1, 1_000_000),
    "max_new_tokens": (1, 2**20),
    "timeout_s": (0.01, 3600),
}


class Departure(NamedTuple):
    """Where a scale does not do what the paper did."""

    what: str
    paper: str
    here: str
    why: str


def departures(scale: Scale) -> list[Departure]:
    """Every departure of a laptop's reproduction from the paper."""
    largest = scale.sizes[-1]
    return [
        Departure(
            "training text",
            "159 GB from GitHub",
            f"{scale.corpus_bytes / 1e6:.0f} MB: the standard library and installed packages",
            "no network, minutes",
        ),
        Departure(
            "start",
            "GPT-3 weights",
            "random weights",
            "there are no open GPT-3 weights; the paper found no gain in the end",
        ),
        Departure("sizes", "12M to 12B", f"{scale.sizes[0]} to {largest}", "a small machine"),
        Departure("tokens", "100 billion", f"{scale.codex_tokens:,} per size", "minutes"),
        Departure(
            "vocabulary",
            "50,281",
            f"{scale.vocab_size:,}, trained on the corpus",
            "most parameters would be embeddings",
        ),
        Departure("context", "not stated (GPT-3: 2,048)", f"{scale.context}", "a small machine"),
        Departure(
            "learning rate",
            "GPT-3's of that size (6e-4 at 85M)",
            f"{scale.codex_learning_rate:g}",
            "small models on few tokens want a higher one",
        ),
        Departure("warm-up", "175 steps", f"{scale.warmup_steps} steps", "there are far fewer steps"),
        Departure(
            "Codex-S learning rate",
            "a tenth of Codex's",
            f"{scale.codex_s_learning_rate:g}",
            "this Codex has learnt little that a high rate could destroy",
        ),
        Departure(
            "Codex-S problems",
            "50,000 from contests and traced tests",
            f"{scale.family_problems:,} generated ones",
            "neither source is at hand",
        ),
        Departure(
            "evaluated on", "HumanEval", "starter and chains", "models of this size solve none of HumanEval"
        ),
        Departure("chain lengths", "1 to about 7", f"1 to {scale.chain_lengths}", "the context is short"),
        Departure("attention", "GPT-3's, dense and banded by turns", "dense", "saves little at this length"),
        Departure(
            "sandbox", "gVisor, no network", "the best tier here, no network", "as `codelm doctor` says"
        ),
        Departure(
            "samples per problem",
            "200",
            f"{scale.samples}, {scale.samples_last} where pass@100 is given",
            "minutes",
        ),
    ]


SCALES = {"laptop": Scale()}


def scale_named(name: str) -> Scale:
    """A scale by name. Raises: UsageError for an unknown one, listing the known."""
    if name not in SCALES:
        raise UsageError(f"unknown scale {name!r}; known are {', '.join(SCALES)}")
    return SCALES[name]


def _parse(text: str, kind: Any, assignment: str) -> Any:
    try:
        if kind in (int, float):
            return kind(text)
        item = str if kind == tuple[str, ...] else float
        return tuple(item(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--set {assignment!r}: {error}") from error
