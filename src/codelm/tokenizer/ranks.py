"""Reading the published vocabularies of GPT-3 (`r50k_base`) and Codex (`p50k_base`)."""

import base64
from pathlib import Path

from codelm.errors import InputError
from codelm.tokenizer.bpe import Tokenizer
from codelm.tokenizer.spec import END_OF_TEXT, make_spec, spell


def load_ranks(path: str | Path) -> Tokenizer:
    """Read a `.tiktoken` file: on each line a token in base64 and its rank, which is its id.

    There, neighbours are joined whenever their sum is a token, the lowest rank first. Merges say the same
    when they list every pair that makes a token, by its rank. The file leaves out the end of text, whose id
    is the first that is free. It does not say which splitting rule it is for: the two named above use
    GPT-2's, later ones do not. Raises: InputError.
    """
    ranks = _read(Path(path))
    by_rank = sorted(ranks, key=ranks.__getitem__)
    merges = [
        (spell(token[:cut]), spell(token[cut:]))
        for token in by_rank
        for cut in range(1, len(token))
        if token[:cut] in ranks and token[cut:] in ranks
    ]
    vocabulary = [spell(token) for token in by_rank]
    vocabulary.insert(_free_rank(ranks, str(path)), END_OF_TEXT)
    return Tokenizer(make_spec(vocabulary, merges), str(path))


def _read(path: Path) -> dict[bytes, int]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(lines, start=1):
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token, validate=True)] = int(rank)
        except ValueError as error:
            raise InputError(f"{path}, line {number}: expected a token in base64 and its rank") from error
    return ranks


def _free_rank(ranks: dict[bytes, int], where: str) -> int:
    """The id between 0 and the number of tokens that no token has. Raises: InputError if there are more."""
    free = set(range(len(ranks) + 1)) - set(ranks.values())
    if len(free) != 1:
        raise InputError(f"{where}: the ranks of its {len(ranks)} tokens leave {len(free)} ids free, not one")
    return free.pop()
