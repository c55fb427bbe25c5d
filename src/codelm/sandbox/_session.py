"""Several jobs in one place, one after another, that build on each other."""

from codelm.sandbox._limits import Limits
from codelm.sandbox._outcome import Job, Outcome, Program
from codelm.sandbox._protocol import MAX_PAYLOAD_BYTES
from codelm.sandbox._slot import Slot


class Session:
    """A place held for jobs that build on each other; from `Sandbox.session`. For one thread at a time.

    Either jobs that share a scratch folder, each a fresh process (compile once, run many), or a program that
    is loaded once and then answers calls. All of it is gone when the session is closed.
    """

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._lent = slot.lent
        self._open = True

    def run(self, job: Job) -> Outcome:
        """Run a job that finds in the scratch folder what those before it left."""
        self._check(loaded=False)
        return self._slot.run(job, keep_scratch=True)

    def load(self, program: Program, *, handler: str, converses: bool = False) -> Outcome:
        """Run a program that stays: `FINISHED` when it is ready for calls, else how it ended.

        handler: name of the function, in the program's namespace, that takes the bytes of a call and returns
        those of the reply. converses: it also takes `converse`, a function for the middle of its work, which
        replies to the call and waits for the next.
        """
        self._check(loaded=False)
        return self._slot.load(program, handler, converses=converses)

    def call(self, payload: bytes, *, fork: bool = False, limits: Limits | None = None) -> Outcome:
        """Have the loaded program answer; `reply` holds what it said when it `FINISHED`.

        payload: at most 16 MiB, as is the reply. fork: in a process of its own, a copy of the loaded one, so
        that the call changes nothing for later ones and may crash or be stopped. Otherwise such an end is the
        end of the loaded program: see `is_loaded`. limits: of this call; time and memory of them count.
        Raises: MissingError for `fork` in tier landlock without root, where programs may not fork.
        """
        self._check(loaded=True)
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"a call holds at most {MAX_PAYLOAD_BYTES} bytes, got {len(payload)}")
        return self._slot.call(payload, fork=fork, limits=limits)

    def charged_s(self) -> float:
        """Seconds that the loaded program is charged for its loading and all its calls together.

        A call's own `charged_s` may hold what it waited for a processor, when it was too short to be looked
        at; this looks now (some 0.1 ms) and holds none, but in tier `gvisor`, where it is their sum.
        """
        self._check(loaded=True)
        return self._slot.charged_s()

    @property
    def is_loaded(self) -> bool:
        """Whether a loaded program waits for calls."""
        return self._slot.is_loaded

    def unload(self) -> None:
        """End the loaded program, if there is one; the scratch folder stays for what comes next."""
        self._slot.unload()

    def interrupt(self) -> None:
        """From another thread: kill what runs here, so that the call that waits for it returns soon.

        Once the session is closed it does nothing: the place is another's.
        """
        if self._open:
            self._slot.interrupt(self._lent)

    def close(self) -> None:
        """End what is loaded and empty the scratch folder."""
        if self._open:
            self._open = False
            self._slot.unload()
            self._slot.empty_scratch()

    def _check(self, *, loaded: bool) -> None:
        if not self._open:
            raise ValueError("the session is closed")
        if self.is_loaded != loaded:
            raise ValueError(
                "a program is loaded: unload it first" if self.is_loaded else "no program is loaded"
            )
