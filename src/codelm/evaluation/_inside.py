"""What answers in the two boxes of judge `split`: the candidate's calls in one, its tests in the other.

The supervisor passes each message of one box on to the other, without reading it. `Candidate` knows nothing
of the tests but the calls that they make. `Tests` runs them on stand-ins for what the candidate defines.

Stands alone but for the standard library and the wire: its text also runs inside the boxes.
"""

import builtins
import contextlib
import json
import posix
import random
import sys
import types
from collections.abc import Callable
from typing import Any

from codelm.evaluation._peer import Peer

END = b"E"  # begins the last message of the tests: what became of them, in JSON
KEPT_CODES = 256  # programs of tests that are kept compiled
WARM_UPS = 20  # conversations before the first fork: about when the interpreter has specialised the code


class Candidate:
    """Answers calls of what a namespace defines; an empty message ends the process."""

    def __init__(self, namespace: dict[str, Any], leave: Callable[[int], object] = posix._exit) -> None:
        self._namespace, self._leave = namespace, leave
        self._peer: Peer | None = None

    def __call__(self, message: bytes, converse: Callable[[bytes], bytes]) -> bytes:
        """The answer to a message. converse: to call, before that is answered, what the tests passed."""
        if not message:
            self._leave(0)
        if self._peer is None:
            self._peer = Peer(converse, names=self._namespace, exceptions=self._namespace, lends=True)
        return self._peer.answer(message)


class Tests:
    """Runs one program of tests after another, each in a fresh namespace."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, ...], list[types.CodeType]] = {}

    def __call__(self, job: bytes, converse: Callable[[bytes], bytes]) -> bytes:
        """Run a program of tests, described in JSON; its end. converse: to call the candidate."""
        return END + json.dumps(self._run(json.loads(job), converse)).encode()

    def _run(self, job: dict[str, Any], converse: Callable[[bytes], bytes]) -> dict[str, Any]:
        random.seed(job["seed"])
        namespace: dict[str, Any] = {"__builtins__": builtins.__dict__}
        peer = Peer(converse, exceptions=namespace)  # nothing of ours by name
        end: dict[str, Any] = {"passed": False, "compiling": False}
        try:
            codes = self._compiled(job["units"])
        except BaseException as error:
            return {**end, **_described(error, job["message_chars"]), "compiling": True}
        try:
            _define_helpers(job["helpers"], namespace)
            for name in _free_names(codes, namespace):
                namespace[name] = _module(name) or peer.stand_in(name)
            namespace[job["entry_point"]] = peer.stand_in(job["entry_point"])
            for code in codes:
                exec(code, namespace)  # noqa: S102 - the tests, which are trusted
            end["passed"] = True
        except BaseException as error:
            end |= _described(error, job["message_chars"])
            end["from_candidate"] = error is peer.last_raised
        end["malformed"] = None if peer.malformed is None else str(peer.malformed)
        end["foreign"] = peer.last_foreign
        return end

    def _compiled(self, units: list[str]) -> list[types.CodeType]:
        key = tuple(units)
        if key not in self._codes:
            if len(self._codes) >= KEPT_CODES:
                self._codes.clear()
            self._codes[key] = [
                compile(unit, f"<unit {number}>", "exec", dont_inherit=True)
                for number, unit in enumerate(units, 1)
            ]
        return self._codes[key]


def _define_helpers(text: str, namespace: dict[str, Any]) -> None:
    """Run imports and prompt, a program that lacks its end, for the helpers that its tests use."""
    for source in (text, text + "\n    pass\n"):
        try:
            code = compile(source, "<string>", "exec", dont_inherit=True)
        except SyntaxError:
            continue
        exec(code, namespace)  # noqa: S102 - the problem's, which is trusted
        return


def _free_names(codes: list[types.CodeType], namespace: dict[str, Any]) -> set[str]:
    """Names that the code may look up as globals and nobody but the candidate can define.

    Names of attributes are among them, and of what the code itself defines before it uses it: that does no
    harm.
    """
    found: set[str] = set()
    left = list(codes)
    while left:
        code = left.pop()
        found.update(code.co_names)
        left += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return found - namespace.keys() - vars(builtins).keys()


def _module(name: str) -> types.ModuleType | None:
    """A module that tests use without importing it, since what they test does."""
    return sys.modules.get(name) if name in sys.stdlib_module_names else None


def _described(error: BaseException, message_chars: int) -> dict[str, str | None]:
    try:
        text: str | None = f"{error}"[:message_chars]
    except BaseException:
        text = None
    return {"exception": type(error).__name__, "message": text}


def warm_up() -> None:
    """Before any fork: pay once for what a first conversation costs."""
    namespace = {"f": lambda *given: given[0].append(1) if given[1:] else {"a": (1, 2.5, "x", None, [True])}}
    candidate = Peer(_nobody, names=namespace)
    tests = Peer(candidate.answer)
    for _ in range(WARM_UPS):
        tests.stand_in("f")([3, "y"])
        tests.stand_in("f")([3], {4})
        with contextlib.suppress(TypeError):
            tests.stand_in("f")(3, 4, k="v")


def _nobody(_: bytes) -> bytes:
    raise AssertionError("nobody to talk to")
