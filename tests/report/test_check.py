"""Reading a report back finds every kind of difference."""

import json
from pathlib import Path

import pytest

from codelm.errors import InputError
from codelm.experiments import Column, Table
from codelm.files import write_json
from codelm.report import ReportContent, Section, check_report, write_report
from codelm.stats import Estimate


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose report shows one table of one row."""
    table = Table(
        title="T",
        columns=(Column("n", "count"), Column("pass@1", "estimate")),
        rows=((7, Estimate(1 / 3, 0.2, 0.5)),),
    )
    write_json(tmp_path / "t.json", table.to_json())
    sections = (Section(title="S", table_file="t.json"),)
    write_report(tmp_path, ReportContent(title="t", subtitle="s", date="d", summary=(), sections=sections))
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_check_of_an_untouched_report_finds_nothing(run: Path) -> None:
    """Four numbers: the count, the value and the two ends of its interval."""
    assert check_report(run) == (4, ())


def test_check_finds_a_file_that_changed_in_its_last_digit(run: Path) -> None:
    """Compared unrounded, a difference that the page would not show is found."""
    edit(run / "t.json", "0.3333333333333333", "0.33333333333333337")
    differences = check_report(run).differences
    assert "t.json#/rows/0/1/0: the page says 0.3333333333333333, the file 0.33333333333333337" in differences
    assert "t.json: changed since the page was made" in differences


def test_check_finds_a_shown_number_that_was_edited(run: Path) -> None:
    """The text that people read counts, not only the attribute."""
    edit(run / "report.html", ">33.3%<", ">93.3%<")
    assert check_report(run).differences == (
        "t.json#/rows/0/1/0: the page shows '93.3%', it should be '33.3%'",
    )


def test_check_finds_a_changed_note(run: Path) -> None:
    """Texts are covered by the file's digest."""
    value = json.loads((run / "t.json").read_text())
    write_json(run / "t.json", {**value, "notes": ["another"]})
    assert check_report(run).differences == ("t.json: changed since the page was made",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('data-path="/rows/0/0"', 'data-path="/rows/5/0"', "has nothing at '/rows/5/0'"),
        ('data-path="/rows/0/0"', "", "does not say where it comes from (data-path missing)"),
        ('data-file="t.json" data-path', 'data-file="../t.json" data-path', "is no file of the run"),
        ('data-value="7"', 'data-value="seven"', "t.json#/rows/0/0"),
        ('data-kind="count"', 'data-kind="rate"', "it should be '700.0%'"),
    ],
)
def test_check_finds_a_broken_source(run: Path, old: str, new: str, said: str) -> None:
    """A number whose source is wrong or absent is a difference, not a crash."""
    edit(run / "report.html", old, new)
    assert any(said in line for line in check_report(run).differences)


def test_check_finds_a_missing_file(run: Path) -> None:
    """A report that outlived its files cannot be vouched for."""
    (run / "t.json").unlink()
    assert len(check_report(run).differences) == 5


def test_check_without_a_report_is_an_input_error(tmp_path: Path) -> None:
    """There is nothing to compare."""
    with pytest.raises(InputError, match=r"report\.html: cannot be read"):
        check_report(tmp_path)


def test_check_of_a_page_without_numbers_is_an_input_error(tmp_path: Path) -> None:
    """Zero numbers compared is no success."""
    (tmp_path / "report.html").write_text("<p>42</p>")
    with pytest.raises(InputError, match="holds no number with its source"):
        check_report(tmp_path)
