"""`codelm report`."""

from pathlib import Path

import pytest

from codelm.cli.report import report
from codelm.errors import InputError
from codelm.report import write_report
from made_up_run import make_run


def test_report_command_prints_the_page_it_made_and_checks_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Made again from the run's files; then every number is compared."""
    write_report(tmp_path, make_run(tmp_path)).unlink()
    report(tmp_path)
    assert capsys.readouterr().out == f"{tmp_path / 'report.html'}\n"
    report(tmp_path, check=True)
    assert capsys.readouterr().out.endswith(" numbers, each equal to its file\n")


def test_report_command_check_of_a_stale_page_says_what_differs(tmp_path: Path) -> None:
    """One line: the page, how much differs, the first difference, what to do."""
    write_report(tmp_path, make_run(tmp_path))
    path = tmp_path / "corpus/report.json"
    path.write_text(path.read_text().replace("3127", "3128"))
    with pytest.raises(
        InputError, match=r"2 of its numbers and files differ \(corpus/report\.json#/documents"
    ):
        report(tmp_path, check=True)


def test_report_command_without_a_run_names_the_missing_file(tmp_path: Path) -> None:
    """A folder that is no run has no report.json."""
    with pytest.raises(InputError, match=r"report\.json: cannot be read"):
        report(tmp_path)
