"""The `codelm` command: one file per subcommand, each of which parses, calls one function and prints.

Results go to stdout, progress and messages to stderr. Exit codes are those of `codelm.errors`.
"""

import errno
import io
import os
import platform
import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer

from codelm.cli.compare import compare
from codelm.cli.corpus import app as corpus_app
from codelm.cli.doctor import doctor
from codelm.cli.evaluate import evaluate
from codelm.cli.problems import app as problems_app
from codelm.cli.report import report
from codelm.cli.reproduce import reproduce
from codelm.cli.sample import sample
from codelm.cli.tokenizer import app as tokenizer_app
from codelm.cli.train import train
from codelm.errors import EXIT_INTERRUPTED, CodelmError, MissingError, OutputError, UsageError

INTERRUPTED = "interrupted; run the same command again to go on"
TERMINATED = "terminated; run the same command again to go on"

# The extra that brings each optional library.
EXTRA_OF = {
    "jinja2": "report",
    "matplotlib": "report",
    "pyarrow": "corpus",
    "safetensors": "train",
    "tokenizers": "train",
    "torch": "train",
}

app = typer.Typer(
    name="codelm",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a bug keeps its plain traceback
    rich_markup_mode=None,
)
app.command()(evaluate)
app.command()(compare)
app.command()(sample)
app.command()(train)
app.command()(report)
app.command()(reproduce)
app.command()(doctor)
app.add_typer(corpus_app, name="corpus", help="Collect, filter, deduplicate and split source files.")
app.add_typer(problems_app, name="problems", help="List, show, check, fetch and draw problem sets.")
app.add_typer(tokenizer_app, name="tokenizer", help="Train a tokenizer.")


def _print_version(wanted: bool) -> None:
    if wanted:
        from codelm import __version__

        print(f"codelm {__version__}")
        raise typer.Exit


@app.callback()
def codelm(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train, sample and evaluate language models of code.

    Exit codes: 0 done, 1 a bug of ours (or a hole, of doctor --attack), 2 wrong options, 3 unusable input,
    4 output cannot be written, 5 something must be installed or fetched, 6 verdicts missing through our
    fault, 130 interrupted, 143 terminated.
    """


def main() -> NoReturn:
    """Run the command line and leave with a documented exit code."""
    run(app)


def _refuse_windows() -> None:
    """Before anything is imported that it does not have."""
    if platform.system() == "Windows":
        _fail("codelm needs Linux; here use WSL2: `wsl --install`", MissingError.exit_code)


def run(command: typer.Typer) -> NoReturn:
    """Run a typer app: errors a user can mend become one line; a bug keeps its traceback."""
    _refuse_windows()
    signal.signal(signal.SIGTERM, _on_sigterm)
    # torch's threads would spin while they wait for one another: on a machine with other work that costs more
    # than half of the speed, and on an idle one it gains nothing that we could measure.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        code = command(standalone_mode=False)
        sys.stdout.flush()
    except CodelmError as error:
        _fail(str(error), error.exit_code)
    except ModuleNotFoundError as error:
        extra = EXTRA_OF.get(str(error.name).split(".")[0])
        if extra is None:
            raise
        _fail(f"this command needs {error.name}: pip install 'codelm[{extra}]'", MissingError.exit_code)
    except typer.TyperException as error:
        message = error.format_message()
        if message.startswith("Usage:"):  # a command that was given no arguments at all: its help
            print(message, file=sys.stderr)
            sys.exit(UsageError.exit_code)
        _fail(message, UsageError.exit_code)
    except SystemExit as error:
        # Typer replaces standard output and ends so, with the code of a bug, when its reader has left.
        if error.code == 1 and not isinstance(sys.stdout, io.TextIOBase):
            sys.exit(OutputError.exit_code)
        raise
    except (KeyboardInterrupt, typer.Abort):
        _fail(INTERRUPTED, EXIT_INTERRUPTED)
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ENOSPC):
            raise
        # What is still buffered has nowhere to go; without this the interpreter complains at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.EPIPE:  # the reader of our output left, as `head` does
            sys.exit(OutputError.exit_code)
        _fail(f"standard output cannot be written ({error.strerror})", OutputError.exit_code)
    if code == EXIT_INTERRUPTED:  # how typer returns from Ctrl-C
        _fail(INTERRUPTED, EXIT_INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> NoReturn:
    print(f"codelm: error: {message}", file=sys.stderr)
    sys.exit(code)


def _on_sigterm(number: int, frame: FrameType | None) -> NoReturn:
    """Leave through the `with` blocks that save and clean up."""
    print(f"codelm: error: {TERMINATED}", file=sys.stderr)
    sys.exit(128 + number)
