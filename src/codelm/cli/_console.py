"""Where commands print their tables."""

import errno

import rich.console


class Console(rich.console.Console):
    """Rich's, but for a reader that has left, as `head` does: the command is told, and ends by it."""

    def on_broken_pipe(self) -> None:
        """Rich would end the process, with the exit code of a bug."""
        raise BrokenPipeError(errno.EPIPE, "the reader of standard output has left")
