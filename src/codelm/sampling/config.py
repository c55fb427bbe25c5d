"""How completions are drawn."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """How many completions per problem are drawn, and how.

    Deterministic mode computes every step in one shape, `lanes` rows by a fixed number of cache slots,
    however few rows are busy: a sample then depends on nothing but the checkpoint, its problem, these
    settings and the machine. Fast mode computes only the rows and slots in use; rounding may then depend on
    what else is in the batch (`benchmarks/bench_sampling.py` measures the gain, and how many samples differ).

    Raises: ValueError for a number outside its range.
    """

    n: int = 1  # samples per problem
    temperature: float = 0.2  # divides the logits; 0 is greedy, all n samples equal (paper: 0.2 for pass@1)
    top_p: float = 0.95  # mass of the nucleus, applied after the temperature (paper: 0.95)
    max_new_tokens: int = 300  # tokens drawn per sample at most (the paper states none; CodeT used 300)
    seed: int = 0  # of all random numbers
    deterministic: bool = True
    lanes: int = 64  # sequences decoded together; in deterministic mode part of what is computed
    batch_size: int | None = None  # lanes that may be busy at once; None: all
    keep_raw: bool = False  # also write the text before its cut (`raw`) and the ids drawn (`tokens`)

    def __post_init__(self) -> None:
        for name in ("n", "max_new_tokens", "lanes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0.0 <= self.temperature < float("inf"):
            raise ValueError(f"temperature must be a number from 0 up, got {self.temperature}")
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"top_p must be in (0, 1], got {self.top_p}")
        if not 1 <= self.busy_lanes <= self.lanes:
            raise ValueError(f"batch_size must be in [1, lanes={self.lanes}], got {self.batch_size}")

    @property
    def busy_lanes(self) -> int:
        """Lanes that may be busy at once."""
        return self.lanes if self.batch_size is None else self.batch_size
