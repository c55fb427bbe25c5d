"""The least that a fork per program can cost: a warm interpreter, a bare fork, a pipe, the program.

No walls, limits, clocks, clean-up or verdict. It preloads and warms up as the sandbox's worker does, and runs
programs by the worker's own `run`. Run by bench_sandbox.py in a lean interpreter:

    python -P -s -S -B floor.py WORKER.py PROGRAMS.json

PROGRAMS.json: {"prelude": source, "programs": [[unit, ...], ...]}. Each line on stdin is a JSON list of
numbers of programs; the answer is one line, the seconds they took: [wall, CPU of itself, CPU of its forks].
"""

import gc
import importlib.util
import json
import posix
import resource
import sys
import time
import types

PASSED = b"\0"  # `FINISHED` of the worker


def main() -> None:
    """Warm up, then serve."""
    spec = importlib.util.spec_from_file_location("worker", sys.argv[1])
    assert spec is not None
    assert spec.loader is not None
    worker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(worker)
    with open(sys.argv[2]) as stream:
        work = json.load(stream)
    for_programs = worker.ForProgramsOnly()
    for_programs.preload()
    for_programs.run_prelude(work["prelude"])
    sys.modules["__main__"] = types.ModuleType("__main__")
    answers = posix.dup(1)
    posix.dup2(posix.open("/dev/null", posix.O_WRONLY), 1)
    for units in worker.WARM_UP:
        worker.run(units, 2048)
    sys.stdout.flush()
    lines = open(0)  # noqa: SIM115 - the prelude has taken sys.stdin
    gc.collect()
    gc.freeze()
    for line in lines:
        took = run_all(worker, for_programs, [work["programs"][number] for number in json.loads(line)])
        posix.write(answers, f"{json.dumps(took)}\n".encode())


def run_all(worker: types.ModuleType, for_programs: object, programs: list[list[str]]) -> list[float]:
    """Run each in a fork of its own; all must pass."""
    before, began = (cpu_s(resource.RUSAGE_SELF), cpu_s(resource.RUSAGE_CHILDREN)), time.perf_counter()
    for units in programs:
        read_end, write_end = posix.pipe()
        pid = posix.fork()
        if pid == 0:
            for_programs.enter()  # type: ignore[attr-defined]
            posix.write(write_end, bytes([worker.run(units, 2048)[0]]))
            posix._exit(0)
        posix.close(write_end)
        assert posix.read(read_end, 2) == PASSED
        posix.close(read_end)
        posix.waitpid(pid, 0)
    wall_s = time.perf_counter() - began
    return [wall_s, cpu_s(resource.RUSAGE_SELF) - before[0], cpu_s(resource.RUSAGE_CHILDREN) - before[1]]


def cpu_s(who: int) -> float:
    """Seconds of processor time, user and system."""
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
