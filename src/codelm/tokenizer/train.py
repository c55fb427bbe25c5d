r"""Training a tokenizer: byte-pair merges learned from text, then tokens for runs of spaces.

The layout of ids is fixed: 0 is the end of text, 1 to 256 are the bytes, then come the learned tokens in the
order they were learned, then the runs of spaces that were not learned.

Runs of spaces. Codex's vocabulary is GPT-3's plus 24 tokens, for runs of 2 to 25 spaces. GPT-2's splitting
rule cuts text into chunks ("\n       ", " return"), and a run must be found inside a chunk as well as alone,
so it needs merges, not just an entry. Our rule: after the learned merges, append for every length s = 2..25,
in order, every pair (i, s - i), i = 1..s-1, that is not a merge already. Then no two neighbouring runs whose
sum is at most 25 can remain apart, so a chunk of 2 to 25 spaces always is one token, whatever was learned
before. Applied to GPT-3's merges the rule gives exactly Codex's encoding.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from codelm.errors import InputError, UsageError
from codelm.tokenizer.bpe import Tokenizer, check_encodable, library
from codelm.tokenizer.spec import END_OF_TEXT, Merge, byte_alphabet, make_spec, merges_of, spell

MAX_RUN = 25  # the longest run of spaces in Codex's vocabulary
RUNS = tuple(spell(b" " * length) for length in range(2, MAX_RUN + 1))
_FIXED = (END_OF_TEXT, *byte_alphabet())
MIN_VOCAB_SIZE = len(_FIXED) + len(RUNS)


def train_tokenizer(texts: Iterable[str], *, vocab_size: int) -> Tokenizer:
    """Learn a byte-level BPE from texts; equal texts give an equal tokenizer.

    texts: any number of documents, read once. vocab_size: ids at most, end of text and runs included; fewer
    when the texts hold fewer pairs that repeat.
    Raises: UsageError below MIN_VOCAB_SIZE; InputError when there is no text.
    """
    if vocab_size < MIN_VOCAB_SIZE:
        raise UsageError(
            f"vocab_size {vocab_size} is too small; at least {MIN_VOCAB_SIZE} are needed "
            f"(256 bytes, {len(RUNS)} runs of spaces, end of text)"
        )
    merges = _leave_room(_learn(texts, vocab_size), vocab_size)
    return Tokenizer(make_spec(vocabulary_for(merges), with_space_runs(merges)))


def with_space_runs(merges: Sequence[Merge]) -> list[Merge]:
    """The merges followed by every pair of runs of spaces that makes a run of 2 to 25 (the rule above)."""
    space = RUNS[0][0]
    pairs = ((space * left, space * (s - left)) for s in range(2, MAX_RUN + 1) for left in range(1, s))
    return list(dict.fromkeys([*merges, *pairs]))


def _learn(texts: Iterable[str], vocab_size: int) -> list[Merge]:
    """Merges of a plain BPE, by priority."""
    tokenizers = library()
    learner = tokenizers.Tokenizer(tokenizers.models.BPE())
    learner.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,  # a pair seen once says nothing about other files
        initial_alphabet=list(byte_alphabet()),
        show_progress=False,
    )
    counted = _Counted(texts)
    learner.train_from_iterator(counted, trainer)
    if not counted.characters:
        raise InputError("no text to train a tokenizer on: the documents are empty or there are none")
    return merges_of(json.loads(learner.to_str()))


class _Counted:
    """An iterable that counts the characters it hands on."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts, self.characters = texts, 0

    def __iter__(self) -> Iterator[str]:
        for text in self.texts:
            check_encodable(text)
            self.characters += len(text)
            yield text


def _leave_room(merges: Sequence[Merge], vocab_size: int) -> list[Merge]:
    """The longest prefix of the merges whose tokens, with all runs of spaces, fit the vocabulary.

    A prefix of BPE merges is what training for a smaller vocabulary would have learned.
    """
    kept = list(merges)
    while len(vocabulary_for(kept)) > vocab_size:
        kept.pop()
    return kept


def vocabulary_for(merges: Sequence[Merge]) -> list[str]:
    """Every token by id. Two merges may make the same token; it has one id."""
    return list(dict.fromkeys([*_FIXED, *(left + right for left, right in merges), *RUNS]))
