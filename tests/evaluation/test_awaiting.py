"""Judging from an event loop, as for a reward; and deadlines, from a thread too."""

import asyncio
import contextlib
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from codelm.evaluation import Job, Judge, Judgement, Verdict, VerdictCache
from codelm.problems import Problem, ProblemSet
from codelm.sandbox import Ended, Limits, Outcome, Ticket

TWICE = Problem(
    task_id="t/0",
    prompt="def twice(x):\n",
    entry_point="twice",
    test="def check(candidate):\n    assert candidate(2) == 4\n",
)
SET = ProblemSet.of("toy", [TWICE])
RIGHT = "    return 2 * x\n"
WRONG = "    return x\n"
SLEEPS = "    import time; time.sleep(60)\n"
PATIENT = Limits(time_s=100.0)  # what sleeps is still there when it is looked at


@pytest.fixture
def cached() -> Iterator[Judge]:
    """A judge with a cache and two workers; each judgement is one fork."""
    with (
        VerdictCache(None) as cache,
        Judge(SET, cache=cache, judge="inline", limits=PATIENT, workers=2, isolation="process") as judge,
    ):
        yield judge


async def _until_forked(judge: Judge, programs: int) -> None:
    while judge._sandbox.forks < programs:
        await asyncio.sleep(0.005)


async def _all_of(judge: Judge, completions: list[str]) -> list[Judgement]:
    return await asyncio.gather(*(judge("t/0", completion) for completion in completions))


@pytest.mark.parametrize("name", ["inline", "split", "confirm"])
def test_judge_is_an_asynchronous_context_manager(name) -> None:
    """By task id or with the problem, whole or not; of no use after the block."""

    async def main() -> list[bool]:
        async with Judge(SET, judge=name, workers=2) as judge:
            right = await judge("t/0", RIGHT)
            wrong = await judge(TWICE, WRONG)
            whole = await judge("t/0", TWICE.prompt + RIGHT, whole=True)
        with pytest.raises(ValueError, match="the judge is closed"):
            await judge("t/0", RIGHT)
        return [right.passed, wrong.passed, whole.passed]

    assert asyncio.run(main()) == [True, False, True]


def test_identical_completions_awaited_at_once_are_judged_once(cached) -> None:
    """Where there is a cache; later ones find it there."""
    judged = asyncio.run(_all_of(cached, [RIGHT, WRONG] * 150))
    assert [judgement.passed for judgement in judged] == [True, False] * 150
    assert cached._sandbox.forks == 2
    assert asyncio.run(_all_of(cached, [RIGHT])) == judged[:1]
    assert cached._sandbox.forks == 2


def test_without_a_cache_identical_completions_are_each_judged() -> None:
    """As a program that draws random numbers of its own may want."""
    with Judge(SET, judge="inline", workers=2, isolation="process") as judge:
        asyncio.run(_all_of(judge, [RIGHT] * 7))
        assert judge._sandbox.forks == 7


def test_first_who_awaits_may_be_cancelled_without_the_others(cached) -> None:
    """The work goes on for them; with the last of them its program is killed, and later it is run again."""

    async def main() -> None:
        tasks = [asyncio.create_task(cached("t/0", SLEEPS)) for _ in range(3)]
        await _until_forked(cached, 1)
        tasks[0].cancel()
        assert (await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED))[0] == {tasks[0]}
        under_way = list(cached._under_way._tasks.values())
        assert not under_way[0].done()
        for task in tasks[1:]:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(error) for error in ended} == {asyncio.CancelledError}
        assert under_way[0].cancelled()
        again = asyncio.create_task(cached("t/0", SLEEPS))
        await _until_forked(cached, 2)
        again.cancel()
        with pytest.raises(asyncio.CancelledError):
            await again
        assert (await cached("t/0", RIGHT)).passed

    asyncio.run(main())
    assert cached._sandbox.forks == 3


def test_completion_asked_for_while_its_program_is_being_killed_is_run_anew(cached, tmp_path: Path) -> None:
    """It does not go down with those who were cancelled."""
    marker = tmp_path / "marker"
    once = (
        f"    import os, time\n    if os.path.exists({str(marker)!r}): return 2 * x\n"
        f"    open({str(marker)!r}, 'w').close(); time.sleep(60)\n"
    )

    async def main() -> Judgement:
        first = asyncio.create_task(cached("t/0", once))
        while not marker.exists():
            await asyncio.sleep(0.005)
        first.cancel()
        await asyncio.sleep(0)  # now it is being killed
        assert not first.done()
        second = await cached("t/0", once)
        with pytest.raises(asyncio.CancelledError):
            await first
        return second

    assert asyncio.run(main()).passed


def test_completion_under_way_in_a_loop_that_stands_still_is_run_in_another(cached) -> None:
    """It would wait for a task that does not go on; the same in a fork of the caller."""
    loop = asyncio.new_event_loop()
    left = loop.create_task(cached("t/0", RIGHT))
    loop.run_until_complete(asyncio.sleep(0))
    assert len(cached._under_way._tasks) == 1
    assert asyncio.run(_all_of(cached, [RIGHT]))[0].passed
    assert loop.run_until_complete(left).passed
    loop.close()


def test_thousands_awaited_at_once_take_no_thread_of_the_callers_and_little_memory(cached) -> None:
    """8,192, most of them copies: as many threads as workers; each that waits takes some kilobytes."""
    completions = [WRONG if n % 128 else f"    return 2 * x  # {n}\n" for n in range(8192)]
    threads: set[int] = set()

    async def main() -> list[Judgement]:
        judging = asyncio.create_task(_all_of(cached, completions))
        while not judging.done():
            await asyncio.sleep(0.005)
            threads.add(threading.active_count())
        assert asyncio.get_running_loop()._default_executor is None  # type: ignore[attr-defined]
        return await judging

    before = threading.active_count()
    tracemalloc.start()
    try:
        judged = asyncio.run(main())
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [judgement.passed for judgement in judged] == [n % 128 == 0 for n in range(8192)]
    assert cached._sandbox.forks == 65
    assert max(threads) <= before + 2
    assert peak_bytes < 8192 * 8192


def test_callers_own_threads_are_free_while_many_wait() -> None:
    """What it gives to `asyncio.to_thread` is done at once, not behind all programs."""

    async def main() -> str:
        async with Judge(SET, judge="inline", limits=PATIENT, workers=2, isolation="process") as judge:
            tasks = [asyncio.create_task(judge("t/0", SLEEPS)) for _ in range(100)]
            await _until_forked(judge, 2)
            name = await asyncio.to_thread(lambda: threading.current_thread().name)
            assert not any(task.done() for task in tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert judge._sandbox.forks == 2
        return name

    assert asyncio.run(main()).startswith("asyncio")


def test_many_that_are_run_again_alone_do_not_wait_for_each_other(monkeypatch) -> None:
    """More of them than threads, all at once."""
    run = Ticket.run
    lost = Outcome(ended=Ended.LOST)
    monkeypatch.setattr(Ticket, "run", lambda ticket: run(ticket) if ticket._alone else lost)
    with Judge(SET, judge="inline", workers=2, isolation="process") as judge:
        judged = asyncio.run(_all_of(judge, [RIGHT] * 9))
    assert [(judgement.verdict, judgement.flags) for judgement in judged] == [
        (Verdict.PASSED, ("run_alone",))
    ] * 9


def test_judge_closed_while_awaited_says_so_and_keeps_nothing(cached) -> None:
    """A program that it killed is no crashed one; not in the cache either."""

    async def main() -> list[BaseException | Judgement]:
        tasks = [asyncio.create_task(cached("t/0", f"{SLEEPS}    # {n}\n")) for n in range(9)]
        await _until_forked(cached, 2)
        cached.close()
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(error) for error in asyncio.run(main())} == {ValueError}
    assert not list(cached._cache._database.execute("SELECT key FROM verdicts"))


@pytest.mark.parametrize("name", ["split", "confirm"])
def test_judge_with_thousands_waiting_closes(name) -> None:
    """Those who wait for a place of the closed boxes are told too."""

    async def main() -> list[BaseException | Judgement]:
        async with Judge(SET, judge=name, limits=PATIENT, workers=2, isolation="process") as judge:
            tasks = [asyncio.create_task(judge("t/0", f"{SLEEPS}    # {n}\n")) for n in range(2000)]
            while not judge._split._candidates.forks:
                await asyncio.sleep(0.005)
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(error) for error in asyncio.run(main())} == {ValueError}


def test_timeout_around_a_batch_kills_it(cached) -> None:
    """`asyncio.timeout` is the deadline in an event loop; what had ended is in the cache."""

    async def main() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None) as deadline:
                assert (await cached("t/0", RIGHT)).passed
                batch = asyncio.gather(*(cached("t/0", f"{SLEEPS}    # {n}\n") for n in range(50)))
                await _until_forked(cached, 3)
                deadline.reschedule(0.0)
                await batch
        assert deadline.expired()
        assert not cached._under_way._tasks
        assert (await cached("t/0", WRONG)).verdict is Verdict.WRONG

    asyncio.run(main())
    assert cached._sandbox.forks == 4
    assert len(list(cached._cache._database.execute("SELECT key FROM verdicts"))) == 2


def _jobs(*completions: str) -> list[Job]:
    return [Job(key, TWICE, completion) for key, completion in enumerate(completions)]


def test_batch_past_its_deadline_is_killed_and_what_it_yielded_counts(cached, monkeypatch) -> None:
    """The rest has no judgement, in the cache either, and the judge is free for others."""
    now_s = 0.0
    monkeypatch.setattr("codelm.sandbox._batch.time", SimpleNamespace(monotonic=lambda: now_s))
    batch = cached.judge_many(_jobs(RIGHT, SLEEPS, RIGHT), deadline_s=3600.0)
    assert {key: judgement.passed for key, judgement in (next(batch), next(batch))} == {0: True, 2: True}
    now_s = 3600.0
    with pytest.raises(TimeoutError, match="not all programs had ended"):
        next(batch)
    assert len(list(cached._cache._database.execute("SELECT key FROM verdicts"))) == 1
    assert cached.judge("t/0", WRONG).verdict is Verdict.WRONG
    assert dict(cached.judge_many(_jobs(RIGHT, WRONG), deadline_s=60)).keys() == {0, 1}


@pytest.mark.timeout(60)
def test_deadline_holds_for_what_is_run_again_alone(cached, monkeypatch) -> None:
    """It is killed as what runs beside others."""
    assert cached.judge("t/0", RIGHT).passed
    run = Ticket.run
    lost = Outcome(ended=Ended.LOST)
    monkeypatch.setattr(Ticket, "run", lambda ticket: run(ticket) if ticket._alone else lost)
    with pytest.raises(TimeoutError):
        list(cached.judge_many(_jobs(SLEEPS), deadline_s=0.5))
    monkeypatch.undo()
    assert cached.judge("t/0", RIGHT).passed


def test_judge_many_takes_few_jobs_ahead_of_what_it_yields(cached) -> None:
    """However many there are, no more than twice the workers are held; in a million too."""
    taken = 0

    def jobs() -> Iterator[Job]:
        nonlocal taken
        for taken in range(1, 10**6):
            yield Job(taken, TWICE, f"{RIGHT}# {taken}")

    batch = cached.judge_many(jobs())
    for yielded in range(1, 30):
        next(batch)
        assert taken - yielded < 2 * 2
    batch.close()
