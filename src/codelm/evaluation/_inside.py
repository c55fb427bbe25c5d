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
from collections import deque
from collections.abc import Callable
from typing import Any

from codelm.evaluation._peer import Peer
from codelm.evaluation._wire_decoder import Decoder

END = b"E"  # begins the last message of the tests: what became of them, in JSON
KEPT_PROGRAMS = 256  # programs of tests that are kept compiled
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
        self._compiled: dict[tuple[str, ...], _Compiled] = {}
        self._recursion_limit = sys.getrecursionlimit()

    def __call__(self, message: bytes, converse: Callable[[bytes], bytes]) -> bytes:
        """Run the program of tests that a message describes; its end. converse: to call the candidate."""
        job = Decoder(message).read()
        foreseen = None if job["requests"] is None else Foreseen(job["requests"], job["answers"])
        end = self._run(job, foreseen or converse)
        end["differs"] = foreseen is not None and foreseen.differs
        end["reached"] = foreseen is not None and foreseen.reached
        return END + json.dumps(end).encode()

    def _run(self, job: dict[str, Any], exchange: Callable[[bytes], bytes]) -> dict[str, Any]:
        random.seed(job["seed"])
        sys.setrecursionlimit(self._recursion_limit)  # earlier tests may have set another
        namespace: dict[str, Any] = {"__builtins__": builtins.__dict__}
        peer = Peer(exchange, exceptions=namespace)  # it may call nothing of ours by name
        end: dict[str, Any] = {"passed": False, "compiling": True, "from_candidate": False}
        try:
            compiled = self._compile(job["helpers"], job["units"])
            end["compiling"] = False
            compiled.run_in(namespace, peer, job["entry_point"])
            end["passed"] = True
        except BaseException as error:
            end |= _described(error, job["message_chars"])
            end["from_candidate"] = error is peer.last_raised
        end["malformed"] = None if peer.malformed is None else str(peer.malformed)
        # Else it stays until a collection finds the cycle, while other programs of tests run here.
        namespace.clear()
        peer.forget()
        return {**end, "foreign": peer.last_foreign, "changed": peer.has_changed}

    def _compile(self, helpers: str, units: list[str]) -> "_Compiled":
        key = (helpers, *units)
        if key not in self._compiled:
            if len(self._compiled) >= KEPT_PROGRAMS:
                self._compiled.clear()
            self._compiled[key] = _Compiled(helpers, units)
        return self._compiled[key]


class Foreseen:
    """The candidate's answers to the calls that an earlier run of the same tests made.

    The candidate was asked before these tests run, which saves passing on each call. They hold as long as
    this run makes the same calls in the same order. One call more than there are answers: the last one, which
    the candidate did not survive.
    """

    def __init__(self, requests: list[bytes], answers: list[bytes]) -> None:
        self._left = deque(zip(requests, answers, strict=False))
        self._deadly = requests[len(answers)] if len(requests) > len(answers) else None
        self.differs = False  # from then on, what the tests do says nothing
        self.reached = False  # the deadly call: there the candidate's end is the tests' end

    def __call__(self, message: bytes) -> bytes:
        """The answer to a call. Raises: Unforeseen."""
        if not self.differs and self._left and self._left[0][0] == message:
            return self._left.popleft()[1]
        self.reached = self.reached or not (self.differs or self._left or message != self._deadly)
        self.differs = True
        raise Unforeseen


class Unforeseen(BaseException):
    """Tests made a call that an earlier run of them did not make."""


class _Compiled:
    """A program of tests, ready to run."""

    def __init__(self, helpers: str, units: list[str]) -> None:
        self._helpers = _compile_helpers(helpers)
        self._units = [_compile(unit, f"<unit {number}>") for number, unit in enumerate(units, 1)]
        self._names = _names_in(self._units) - vars(builtins).keys()

    def run_in(self, namespace: dict[str, Any], peer: Peer, entry_point: str) -> None:
        """Run it; what nobody here defines is the candidate's."""
        if self._helpers is not None:
            exec(self._helpers, namespace)  # noqa: S102 - the problem's, which is trusted
        for name in self._names - namespace.keys():
            namespace[name] = _module(name) or peer.stand_in(name)
        namespace[entry_point] = peer.stand_in(entry_point)
        for unit in self._units:
            exec(unit, namespace)  # noqa: S102 - the tests, which are trusted


def _compile(source: str, name: str) -> types.CodeType:
    return compile(source, name, "exec", dont_inherit=True)


def _compile_helpers(text: str) -> types.CodeType | None:
    """Imports and prompt, a program that lacks its end, for the helpers that its tests use."""
    for source in (text, text + "\n    pass\n"):
        with contextlib.suppress(SyntaxError):
            return _compile(source, "<string>")
    return None


def _names_in(codes: list[types.CodeType]) -> set[str]:
    """Names that the code may look up as globals.

    Names of attributes are among them, and of what the code itself defines before it uses it: that does no
    harm.
    """
    left, found = list(codes), set[str]()
    while left:
        code = left.pop()
        found.update(code.co_names)
        left += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return found


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
