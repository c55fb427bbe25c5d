"""Errors a user can mend, each with the exit code its command ends with.

The command line turns a `CodelmError` into one line on stderr and its exit code. Anything else is a bug of
ours and keeps its traceback (exit code 1). The message says where, what was found, what is allowed and what
to do, on one line.

    CodelmError
    +- UsageError        2   an option or argument that is not allowed
    +- InputError        3   a file we were given cannot be used
    +- OutputError       4   a result cannot be written (permission, full disk)
    +- MissingError      5   something must be installed or fetched first
    +- InfraError        6   some verdicts are missing through our fault: the score is given as bounds
"""

EXIT_INTERRUPTED = 130  # Ctrl-C, as a shell reports SIGINT


class CodelmError(Exception):
    """Base of every error that the user, not we, can mend."""

    exit_code = 1


class UsageError(CodelmError):
    """An option, argument or combination of them is not allowed."""

    exit_code = 2


class InputError(CodelmError):
    """An input file is missing, truncated, malformed, or contradicts another one."""

    exit_code = 3


class OutputError(CodelmError):
    """An output could not be written; what was there before is untouched."""

    exit_code = 4


class MissingError(CodelmError):
    """An optional dependency or a data set is absent; the message names the command that gets it."""

    exit_code = 5


class InfraError(CodelmError):
    """Some programs could not be judged through no fault of theirs."""

    exit_code = 6
