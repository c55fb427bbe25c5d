"""Training: determinism, the vocabulary's limits, and the rule for runs of spaces."""

import subprocess
import sys
import sysconfig
from itertools import pairwise
from pathlib import Path

import pytest

from codelm.errors import InputError, UsageError
from codelm.tokenizer import MIN_VOCAB_SIZE, Tokenizer, load_ranks, train_tokenizer
from codelm.tokenizer.spec import END_OF_TEXT, make_spec
from codelm.tokenizer.train import vocabulary_for, with_space_runs

STDLIB = Path(sysconfig.get_path("stdlib"))
CODE = "def f(x):\n    if x:\n        return x + 1\n    return 0\n"


@pytest.mark.parametrize("length", range(1, 26))
def test_run_of_1_to_25_spaces_is_one_token(length: int, tokenizer: Tokenizer) -> None:
    """Each run is one token, whether training met it or not."""
    ids = tokenizer.encode(" " * length)
    assert len(ids) == 1
    assert tokenizer.decode_bytes(ids) == b" " * length


@pytest.mark.parametrize("length", [26, 30, 47, 60])
def test_longer_run_is_cut_so_that_no_two_pieces_would_fit_one_token(
    length: int, tokenizer: Tokenizer
) -> None:
    """Runs are found inside a longer chunk too: neighbours that could be one token are one token."""
    pieces = [len(tokenizer.decode_bytes([index])) for index in tokenizer.encode(" " * length)]
    assert sum(pieces) == length
    assert all(left + right > 25 for left, right in pairwise(pieces))


@pytest.mark.parametrize("learned", [[], [("a", "b")], [("Ġ", "Ġ"), ("ĠĠ", "ĠĠ"), ("ĠĠĠĠ", "Ġ")]])
def test_runs_are_single_tokens_whatever_was_learned_before(learned: list[tuple[str, str]]) -> None:
    """The rule does not lean on which runs the training happened to learn."""
    built = Tokenizer(make_spec(vocabulary_for(learned), with_space_runs(learned)))
    assert [len(built.encode(" " * length)) for length in range(1, 26)] == [1] * 25


def test_indentation_inside_a_chunk_with_its_newline_uses_the_runs(tokenizer: Tokenizer) -> None:
    """A newline and 22 spaces before a word take at most two tokens; one space belongs to the word."""
    assert len(tokenizer.encode("\n" + " " * 22 + "return")) <= 3


def test_training_twice_gives_equal_tokenizers_in_fresh_processes(tmp_path: Path) -> None:
    """Hash seeds and thread counts do not reach the result."""
    program = (
        "import sys, sysconfig, pathlib; from codelm.tokenizer import train_tokenizer\n"
        "folder = pathlib.Path(sysconfig.get_path('stdlib'))\n"
        "texts = [(folder / f'{name}.py').read_text(encoding='utf-8') for name in ('ast', 'typing')]\n"
        "print(train_tokenizer(texts, vocab_size=1500).digest)"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": str(threads), "RAYON_NUM_THREADS": str(threads)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for threads in (1, 2, 3)
    }
    assert len(digests) == 1


def test_vocabulary_is_filled_to_its_size_and_never_above(tokenizer: Tokenizer) -> None:
    """With enough text the vocabulary has exactly the size asked for; with little, fewer tokens."""
    assert tokenizer.vocab_size == 1000
    little = train_tokenizer([CODE * 2], vocab_size=5000)
    assert MIN_VOCAB_SIZE < little.vocab_size < 400


def test_smallest_vocabulary_holds_bytes_runs_and_end_of_text() -> None:
    """At the smallest size nothing is learned and everything still encodes."""
    smallest = train_tokenizer([CODE], vocab_size=MIN_VOCAB_SIZE)
    assert smallest.vocab_size == MIN_VOCAB_SIZE == 281
    assert smallest.decode(smallest.encode(CODE)) == CODE


def test_vocabulary_below_the_smallest_is_refused() -> None:
    """The message says what the smallest size is."""
    with pytest.raises(UsageError, match="vocab_size 280 is too small; at least 281"):
        train_tokenizer([CODE], vocab_size=280)


@pytest.mark.parametrize("texts", [[], ["", ""]])
def test_training_on_nothing_is_refused(texts: list[str]) -> None:
    """An empty corpus is the user's mistake, not a vocabulary of bytes."""
    with pytest.raises(InputError, match="no text to train a tokenizer on"):
        train_tokenizer(texts, vocab_size=300)


def test_training_on_a_lone_surrogate_is_refused() -> None:
    """The same clear error as when encoding."""
    with pytest.raises(InputError, match=r"lone surrogate U\+DFFF at character 1"):
        train_tokenizer([CODE, "x\udfff"], vocab_size=300)


def test_end_of_text_spelt_in_the_corpus_is_not_learned() -> None:
    """A corpus that repeats the spelling of the special token does not make it reachable."""
    trained = train_tokenizer([END_OF_TEXT * 50, f"x {END_OF_TEXT}\n" * 50], vocab_size=400)
    assert trained.end_of_text_id not in trained.encode(f"{END_OF_TEXT} x {END_OF_TEXT}")


def test_rule_turns_gpt3_into_codex(data_dir: Path) -> None:
    """GPT-3's merges with our rule encode as Codex's published vocabulary does."""
    gpt3, codex = (
        load_ranks(data_dir / "tokenizer" / f"{name}.tiktoken") for name in ("r50k_base", "p50k_base")
    )
    assert gpt3.tokens == codex.tokens[: gpt3.vocab_size]
    extended = Tokenizer(make_spec(codex.tokens, with_space_runs(gpt3.merges)))
    texts = [path.read_text(encoding="utf-8") for path in sorted(STDLIB.glob("*.py"))[:25]]
    texts += [" " * length + "x" for length in range(1, 61)]
    assert extended.encode_batch(texts) == codex.encode_batch(texts)
