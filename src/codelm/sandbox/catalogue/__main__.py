"""`python -m codelm.sandbox.catalogue`: the catalogue against this host, with the standard library alone.

Ends with 0 where every row held or is an exception of the tier, with 1 where one is broken, and with the exit
codes of `codelm.errors` where the tier cannot be had.
"""

import argparse
import json
import sys

from codelm.errors import CodelmError
from codelm.sandbox._tiers import ISOLATIONS
from codelm.sandbox.catalogue._rows import catalogue
from codelm.sandbox.catalogue._run import RowResult, Verdict, run_catalogue

EXIT_BROKEN = 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m codelm.sandbox.catalogue", description=__doc__)
    parser.add_argument("row", nargs="*", help="ids of rows; default: all")
    parser.add_argument("--isolation", choices=ISOLATIONS, default="auto")
    parser.add_argument("--python", help="the interpreter of the programs; default: the running one")
    parser.add_argument("--json", action="store_true", help="one JSON object for each row, one a line")
    options = parser.parse_args()
    known = {row.id: row for row in (*catalogue().attacks, *catalogue().honest)}
    if unknown := set(options.row) - known.keys():
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    rows = [known[name] for name in options.row or known]
    show = _print_json if options.json else _print_line
    try:
        results = run_catalogue(options.isolation, rows=rows, python=options.python, on_row=show)
    except CodelmError as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return error.exit_code
    return EXIT_BROKEN if any(result.verdict is Verdict.BROKEN for result in results) else 0


def _print_json(result: RowResult) -> None:
    print(json.dumps(result.to_json()), flush=True)


def _print_line(result: RowResult) -> None:
    words = (
        result.verdict.value,
        result.row.id,
        result.row.title,
        result.seen,
        result.reason,
        *result.broken,
    )
    print("\t".join(words), flush=True)


if __name__ == "__main__":
    sys.exit(main())
