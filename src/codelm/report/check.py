"""Reading `report.html` back: is every number in it what the run's files say?"""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

from codelm.errors import InputError
from codelm.files import digest_file, open_text, read_json
from codelm.report._pointer import inside, resolve
from codelm.report._shown import shown
from codelm.report.html import PAGE

_SOURCE = ("data-file", "data-path", "data-kind", "data-value")


class CheckedReport(NamedTuple):
    """What the comparison found."""

    numbers: int  # numbers in the page
    differences: tuple[str, ...]  # a line for each number or file that is not as the page says


def check_report(run: Path) -> CheckedReport:
    """Compare every number of `report.html` with the file and place it names, unrounded and as it is shown.

    Also compares the digests of the files, which covers the figures, texts and programs made from them.
    Raises: InputError when there is no report, or none with numbers.
    """
    page = _Numbers()
    with open_text(run / PAGE) as stream:
        page.feed(stream.read())
    page.close()
    if not page.numbers:
        raise InputError(f"{run / PAGE}: holds no number with its source; run `codelm report {run}`")
    files: dict[str, Any] = {}
    found = [_difference(run, attributes, text, files) for attributes, text in page.numbers]
    found += [_changed(run, file, digest) for file, digest in page.digests.items()]
    return CheckedReport(len(page.numbers), tuple(line for line in found if line))


class _Numbers(HTMLParser):
    """Collects the elements of class `num` with their text, and the digests of the files."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[tuple[dict[str, str], str]] = []
        self.digests: dict[str, str] = {}
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if "data-sha256" in attributes:
            self.digests[attributes.get("data-file", "")] = attributes["data-sha256"]
        if "num" in attributes.get("class", "").split():
            self.numbers.append((attributes, ""))
            self._inside = True

    def handle_data(self, data: str) -> None:
        if self._inside:
            attributes, text = self.numbers[-1]
            self.numbers[-1] = (attributes, text + data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = False  # a number's element has no other inside it


def _difference(run: Path, attributes: dict[str, str], text: str, files: dict[str, Any]) -> str | None:
    missing = [name for name in _SOURCE if name not in attributes]
    if missing:
        return f"{text!r} does not say where it comes from ({', '.join(missing)} missing)"
    file, pointer, kind, value = (attributes[name] for name in _SOURCE)
    try:
        if file not in files:
            files[file] = read_json(inside(run, file))
        wanted = resolve(files[file], pointer, file)
        says = json.loads(value)
        text_wanted = shown(wanted, kind)  # type: ignore[arg-type] # an unknown kind shows as another text
    except (InputError, TypeError, ValueError) as error:
        return f"{file}#{pointer}: {error}"
    if says != wanted:
        return f"{file}#{pointer}: the page says {says!r}, the file {wanted!r}"
    if text != text_wanted:
        return f"{file}#{pointer}: the page shows {text!r}, it should be {text_wanted!r}"
    return None


def _changed(run: Path, file: str, digest: str) -> str | None:
    try:
        same = digest_file(inside(run, file)) == digest
    except InputError as error:
        return str(error)
    return None if same else f"{file}: changed since the page was made"
