"""The masked objective, Codex-S's: predict solutions given their prompts (Codex paper, sec. 4.5)."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from codelm.errors import InputError
from codelm.files import Json, digest_json
from codelm.model import GPTConfig
from codelm.tokenizer import Tokenizer
from codelm.training.objectives import IGNORED, Batch

Example = tuple[Sequence[int], Sequence[int]]  # ids of a prompt, ids of its solution without end of text

POOL_BATCHES = 16  # shuffled examples are sorted by length this many batches at a time, which cuts padding


class SolutionRows:
    """Prompts with their solutions as padded rows, loss on the solution only.

    Prompts are padded on the left so that the first solution tokens of a batch line up; solutions on the
    right. Where the longest prompt and the longest solution do not fit one row together, rows with long
    solutions begin further left: rows do not see one another, so this changes no loss. The end of text
    after a solution counts as its last token.
    """

    def __init__(self, examples: Sequence[Example], *, end_of_text_id: int, max_length: int) -> None:
        """max_length: tokens per row a model reads, at most its context.

        Examples longer than that are left out, never cut, and counted in `n_too_long`.
        Raises: InputError when no example is left; ValueError for an empty prompt.
        """
        if any(len(prompt) == 0 for prompt, _ in examples):
            raise ValueError("every example needs a prompt of at least one token")
        self.end_of_text_id, self.max_length = end_of_text_id, max_length
        # The last target is the end of text, which the model itself never reads.
        self.examples = [
            (list(prompt), list(solution))
            for prompt, solution in examples
            if len(prompt) + len(solution) <= max_length
        ]
        self.n_too_long = len(examples) - len(self.examples)
        if not self.examples:
            raise InputError(
                f"none of the {len(examples)} examples fits {max_length} tokens; take a longer context"
            )
        self.lengths = np.array([len(prompt) + len(solution) for prompt, solution in self.examples])

    def batch(self, indices: Sequence[int]) -> Batch:
        """The examples of these indices, one row each."""
        chosen = [self.examples[index] for index in indices]
        longest_prompt = max(len(prompt) for prompt, _ in chosen)
        longest_solution = max(len(solution) for _, solution in chosen)
        width = min(longest_prompt + longest_solution, self.max_length) + 1
        rows = torch.full((len(chosen), width), self.end_of_text_id)
        targets = torch.full((len(chosen), width), IGNORED)
        first = torch.zeros(len(chosen), dtype=torch.int64)
        for row, (prompt, solution) in enumerate(chosen):
            ids = torch.tensor([*prompt, *solution, self.end_of_text_id])
            begin = min(longest_prompt - len(prompt), width - len(ids))
            rows[row, begin : begin + len(ids)] = ids
            targets[row, begin + len(prompt) : begin + len(ids)] = ids[len(prompt) :]
            first[row] = begin
        return Batch(rows[:, :-1], targets[:, 1:], first)

    def describe(self) -> Json:
        """What the rows hold, by digest."""
        return {
            "objective": "masked_solution",
            "data": digest_json(self.examples),
            "end_of_text_id": self.end_of_text_id,
            "max_length": self.max_length,
        }

    def check(self, config: GPTConfig, tokenizer: Tokenizer) -> None:
        """Raises: InputError when the model's context or vocabulary is too small for the rows."""
        if self.max_length > config.n_ctx:
            raise InputError(f"examples of up to {self.max_length} tokens; the model reads {config.n_ctx}")
        largest = max(max(*prompt, *solution, 0) for prompt, solution in self.examples)
        if largest >= tokenizer.vocab_size or self.end_of_text_id != tokenizer.end_of_text_id:
            raise InputError(f"examples were made with another tokenizer (largest id {largest})")


class MaskedSolutionObjective:
    """Every example once per epoch, in batches of like length."""

    def __init__(
        self,
        examples: Sequence[Example],
        *,
        batch_size: int,
        seed: int,
        end_of_text_id: int,
        max_length: int,
    ) -> None:
        """batch_size: examples per step, or all where there are fewer. Others: see `SolutionRows`."""
        self.rows = SolutionRows(examples, end_of_text_id=end_of_text_id, max_length=max_length)
        self.batch_size = min(batch_size, len(self.rows.examples))
        self.seed = seed
        self._epoch = -1
        self._order = np.empty((0, 0), dtype=np.int64)

    @property
    def n_too_long(self) -> int:
        """Examples left out because they exceed max_length."""
        return self.rows.n_too_long

    @property
    def steps_per_epoch(self) -> int:
        """Batches per epoch; the examples that do not fill one wait for the next epoch's order."""
        return len(self.rows.examples) // self.batch_size

    def batch(self, step: int) -> Batch:
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._epoch_order(epoch)
        return self.rows.batch(self._order[place].tolist())

    def describe(self) -> Json:
        return self.rows.describe() | {"batch_size": self.batch_size, "seed": self.seed}

    def check(self, config: GPTConfig, tokenizer: Tokenizer) -> None:
        self.rows.check(config, tokenizer)

    def _epoch_order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Indices of every batch of an epoch: int64 (steps_per_epoch, batch_size)."""
        order = _shuffled(len(self.rows.examples), self.seed, epoch, 0)
        order = order[: self.steps_per_epoch * self.batch_size]
        pool = POOL_BATCHES * self.batch_size
        pools = [order[begin : begin + pool] for begin in range(0, len(order), pool)]
        by_length = [part[np.argsort(self.rows.lengths[part], kind="stable")] for part in pools]
        batches = np.concatenate(by_length).reshape(-1, self.batch_size)
        return batches[_shuffled(len(batches), self.seed, epoch, 1)]


class MaskedSolutionHeldOut:
    """Held-out prompts with their solutions, in batches of like length."""

    def __init__(
        self, examples: Sequence[Example], *, batch_size: int, end_of_text_id: int, max_length: int
    ) -> None:
        """batch_size: examples per batch. Others: see `SolutionRows`."""
        self.rows = SolutionRows(examples, end_of_text_id=end_of_text_id, max_length=max_length)
        self.batch_size = batch_size

    def batches(self) -> Iterator[Batch]:
        order = np.argsort(self.rows.lengths, kind="stable")
        for begin in range(0, len(order), self.batch_size):
            yield self.rows.batch(order[begin : begin + self.batch_size].tolist())

    def describe(self) -> Json:
        return self.rows.describe() | {"batch_size": self.batch_size}

    def check(self, config: GPTConfig, tokenizer: Tokenizer) -> None:
        self.rows.check(config, tokenizer)


def _shuffled(size: int, *key: int) -> npt.NDArray[np.int64]:
    """A permutation of range(size) chosen by three numbers.

    From Philox's raw output, which numpy promises to keep; `Generator.permutation` may change with a release.
    """
    seed, epoch, purpose = key
    raw = np.random.Philox(key=np.array([seed, 2 * epoch + purpose], dtype=np.uint64)).random_raw(size)
    return np.argsort(raw, kind="stable")
