"""A samples file: complete, in order, and the same after an interruption as without one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codelm.errors import InputError, OutputError
from codelm.model import checkpoint_digest
from codelm.problems import Problem, ProblemSet, read_samples, write_problems
from codelm.sampling import Completion, Request, Sampler, SamplingConfig, sample_problems

BASE: dict[str, Any] = {"n": 3, "temperature": 0.8, "max_new_tokens": 30, "seed": 4, "lanes": 8}


def stop_after(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Let sampling break off, as Ctrl-C does, once that many completions are recorded."""
    whole = Sampler.complete

    def broken(self: Sampler, requests: list[Request]) -> Iterator[Completion]:
        for index, completion in enumerate(whole(self, requests)):
            if index == count:
                raise KeyboardInterrupt
            yield completion

    monkeypatch.setattr(Sampler, "complete", broken)


def test_sample_problems_writes_every_field_in_order(
    tmp_path: Path, checkpoint: Path, problems: ProblemSet
) -> None:
    """One row per problem and sample, by problem, then by sample; the journal is gone."""
    config = SamplingConfig(**BASE)
    report = sample_problems(checkpoint, problems, tmp_path / "s.jsonl", config=config)
    samples = [row.sample for row in read_samples(tmp_path / "s.jsonl")]
    assert [(s.task_id, s.sample) for s in samples] == [(t, i) for t in problems.problems for i in range(3)]
    for sample in samples:
        assert (sample.temperature, sample.top_p, sample.seed) == (0.8, 0.95, 4)
        assert (sample.model, sample.dataset_digest) == (checkpoint_digest(checkpoint), problems.digest)
        assert sample.raw is None
        assert sample.extra == {}
        assert sample.sum_logprob is not None
        if sample.n_tokens:
            assert sample.mean_logprob == pytest.approx(sample.sum_logprob / sample.n_tokens, abs=1e-6)
        else:
            assert (sample.completion, sample.sum_logprob, sample.mean_logprob) == ("", 0.0, None)
    assert (report.n_samples, report.n_drawn) == (15, 15)
    assert report.n_tokens == sum(sample.n_tokens or 0 for sample in samples) <= report.tokens_drawn
    assert sum(report.stop_reasons.values()) == 15
    assert os.listdir(tmp_path) == ["s.jsonl"]


def test_keep_raw_writes_what_was_cut_and_the_ids(
    tmp_path: Path, checkpoint: Path, problems: ProblemSet
) -> None:
    """With raw text and ids, everything else in a row can be recomputed; nothing else changes."""
    plain, full = tmp_path / "plain.jsonl", tmp_path / "full.jsonl"
    sample_problems(checkpoint, problems, plain, config=SamplingConfig(**BASE))
    sample_problems(checkpoint, problems, full, config=SamplingConfig(**BASE, keep_raw=True))
    for cut, row in zip(read_samples(plain), read_samples(full), strict=True):
        assert (row.sample.raw or "").startswith(row.sample.completion)
        assert len(row.sample.extra["tokens"]) >= (row.sample.n_tokens or 0)
        extras = {"raw": row.sample.raw, "tokens": row.sample.extra["tokens"]}
        assert row.sample.to_json() == cut.sample.to_json() | extras


def test_greedy_samples_are_drawn_once_and_written_n_times(
    tmp_path: Path, checkpoint: Path, problems: ProblemSet
) -> None:
    """At temperature 0 all samples of a problem are equal but for their number."""
    config = SamplingConfig(**BASE | {"temperature": 0.0})
    report = sample_problems(checkpoint, problems, tmp_path / "s.jsonl", config=config)
    assert (report.n_samples, report.n_drawn) == (15, 5)
    rows = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert [row.pop("sample") for row in rows] == [0, 1, 2] * 5
    assert rows[0::3] == rows[1::3] == rows[2::3]


def test_interrupted_run_resumes_to_the_same_file(
    tmp_path: Path, checkpoint: Path, problems: ProblemSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C keeps what was drawn; with another batch size the rest gives the undisturbed file."""
    whole, broken = tmp_path / "whole.jsonl", tmp_path / "broken.jsonl"
    sample_problems(checkpoint, problems, whole, config=SamplingConfig(**BASE))
    with monkeypatch.context() as patch:
        stop_after(patch, 6)
        with pytest.raises(KeyboardInterrupt):
            sample_problems(checkpoint, problems, broken, config=SamplingConfig(**BASE))
    assert not broken.exists()
    report = sample_problems(checkpoint, problems, broken, config=SamplingConfig(**BASE, batch_size=2))
    assert report.n_drawn == 9
    assert broken.read_bytes() == whole.read_bytes()


def test_killed_run_resumes_to_the_same_file(tmp_path: Path, checkpoint: Path, problems: ProblemSet) -> None:
    """kill -9 in the middle of the work, then the same call again: the undisturbed file, byte for byte."""
    whole, killed = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    config = SamplingConfig(**BASE | {"n": 60, "batch_size": 2})
    sample_problems(checkpoint, problems, whole, config=config)
    write_problems(tmp_path / "five.jsonl", problems)
    program = (
        "import sys, torch; from codelm.problems import load_problems;"
        "from codelm.sampling import SamplingConfig, sample_problems; torch.set_num_threads(1);"
        f"sample_problems(sys.argv[1], load_problems(sys.argv[2]), sys.argv[3], config={config!r})"
    )
    arguments = [str(checkpoint), str(tmp_path / "five.jsonl"), str(killed)]
    process = subprocess.Popen([sys.executable, "-c", program, *arguments], stderr=subprocess.DEVNULL)
    journal = killed.with_name("killed.jsonl.partial")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if journal.exists() and journal.read_bytes().count(b"\n") > 20:
            break
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "the run ended before it could be killed"
    report = sample_problems(checkpoint, problems, killed, config=config)
    assert 0 < report.n_drawn < 300 - 15
    assert killed.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    "change",
    [{"seed": 5}, {"temperature": 0.2}, {"top_p": 0.9}, {"max_new_tokens": 31}, {"deterministic": False}],
    ids=str,
)
def test_journal_of_other_settings_is_refused(
    tmp_path: Path,
    checkpoint: Path,
    problems: ProblemSet,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
) -> None:
    """Two settings never end up in one file."""
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            sample_problems(checkpoint, problems, tmp_path / "s.jsonl", config=SamplingConfig(**BASE))
    with pytest.raises(InputError, match="left by a run with other settings"):
        sample_problems(checkpoint, problems, tmp_path / "s.jsonl", config=SamplingConfig(**BASE | change))


def test_larger_n_keeps_the_samples_of_a_smaller_one(
    tmp_path: Path, checkpoint: Path, problems: ProblemSet
) -> None:
    """Sample i is the same whatever n is."""
    few, many = tmp_path / "few.jsonl", tmp_path / "many.jsonl"
    sample_problems(checkpoint, problems, few, config=SamplingConfig(**BASE))
    sample_problems(checkpoint, problems, many, config=SamplingConfig(**BASE | {"n": 5}))
    kept = [line for line in many.read_text().splitlines() if json.loads(line)["sample"] < 3]
    assert kept == few.read_text().splitlines()


def test_prompt_too_long_fails_before_anything_is_written(tmp_path: Path, checkpoint: Path) -> None:
    """All prompts are looked at first; a refused run leaves no journal."""
    problems = ProblemSet.of(
        "two",
        [
            Problem(task_id="short", prompt="x", entry_point="f", test=""),
            Problem(task_id="long", prompt="x = 1\n" * 500, entry_point="f", test=""),
        ],
    )
    with pytest.raises(InputError, match="task 'long'"):
        sample_problems(checkpoint, problems, tmp_path / "s.jsonl", config=SamplingConfig())
    assert os.listdir(tmp_path) == []


def test_output_that_cannot_be_written_is_named(
    tmp_path: Path, checkpoint: Path, problems: ProblemSet
) -> None:
    """A file where a folder should be: one line, before any sampling."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file/s\.jsonl\.partial: cannot be written"):
        sample_problems(checkpoint, problems, tmp_path / "file" / "s.jsonl", config=SamplingConfig(**BASE))


def test_checkpoint_that_is_missing_is_named(tmp_path: Path, problems: ProblemSet) -> None:
    """A folder without a checkpoint is an input error."""
    with pytest.raises(InputError, match=r"config\.json: cannot be read"):
        sample_problems(tmp_path / "none", problems, tmp_path / "s.jsonl", config=SamplingConfig())


def test_import_of_the_room_loads_no_torch() -> None:
    """Stop sequences and configuration are there without it."""
    program = (
        "import sys, codelm.sampling as s; s.SamplingConfig();"
        "assert not {'torch', 'numpy', 'tokenizers'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_exported_name_is_there() -> None:
    """The lazy names resolve, and an unknown one is an AttributeError."""
    import codelm.sampling

    assert all(getattr(codelm.sampling, name) is not None for name in codelm.sampling.__all__)
    assert not hasattr(codelm.sampling, "nothing")
