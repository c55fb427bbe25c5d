"""The HTML page: complete, offline, escaped, and the same bytes for the same files."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from codelm.errors import InputError, OutputError
from codelm.experiments import Column, Table
from codelm.files import write_json
from codelm.report import (
    Program,
    ReportContent,
    Section,
    check_report,
    number,
    render_report,
    write_programs,
    write_report,
)
from codelm.stats import Estimate
from made_up_run import make_run

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Elements(HTMLParser):
    """All elements with their attributes, all text, and a check that they nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def minimal(**changes: object) -> ReportContent:
    """A report with nothing in it but what `changes` says."""
    plain = ReportContent(title="t", subtitle="s", date="d", summary=(), sections=())
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with its report."""
    run = tmp_path_factory.mktemp("run")
    write_report(run, make_run(run))
    return run


def test_report_is_well_formed_and_shows_every_section(made_up: Path) -> None:
    """Elements nest, and each title, option, stage and note is there."""
    page = Elements((made_up / "report.html").read_text())
    for text in ("Codex and Codex-S on a laptop", "Longer chains are harder", "learning rate", "tokenizer"):
        assert text in page.text
    assert "only 13 chains of length 1" in page.text
    assert [tag for tag, _ in page.elements].count("figure") == 3


def test_report_loads_nothing_and_runs_nothing(made_up: Path) -> None:
    """One file: no script, no link to anywhere else, and a policy that would forbid both."""
    page = Elements((made_up / "report.html").read_text())
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.elements}
    assert not [attrs for _, attrs in page.elements if "src" in attrs]
    links = [attrs["href"] or "" for _, attrs in page.elements if "href" in attrs]
    assert links
    assert all(link.startswith("#") for link in links)
    assert any("default-src 'none'" in (attrs.get("content") or "") for _, attrs in page.elements)


def test_report_links_within_the_page_have_their_targets(tmp_path: Path) -> None:
    """Every #name exists, those inside the figures too, and no id is there twice."""
    content = make_run(tmp_path)
    twice = dataclasses.replace(content, sections=content.sections * 2)  # two figures of one kind look alike
    text = write_report(tmp_path, twice).read_text()
    page = Elements(text)
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(set(ids)) == len(ids)
    assert {(attrs["href"] or "")[1:] for _, attrs in page.elements if "href" in attrs} <= set(ids)
    assert set(re.findall(r"url\(#([^)]*)\)", text)) <= set(ids)


def test_report_made_again_has_the_same_bytes(made_up: Path) -> None:
    """The page depends on the run's files only."""
    first = (made_up / "report.html").read_bytes()
    (made_up / "report.html").unlink()
    assert render_report(made_up).read_bytes() == first


def test_report_numbers_all_equal_their_files(made_up: Path) -> None:
    """Parsed back, each number is its file's, unrounded and as it is shown."""
    checked = check_report(made_up)
    assert checked.differences == ()
    assert checked.numbers > 1000


def test_report_tables_hold_every_cell_of_their_files(made_up: Path) -> None:
    """Nothing a shown table says is left out of the page."""
    page = Elements((made_up / "report.html").read_text())
    places = {(attrs["data-file"], attrs["data-path"]) for _, attrs in page.elements if "data-path" in attrs}
    for name in ("pass", "chains", "falloff", "selection", "scaling", "stages"):
        table = json.loads((made_up / f"tables/{name}.json").read_text())
        for i, row in enumerate(table["rows"]):
            for j, column in enumerate(table["columns"]):
                if column["kind"] == "estimate" and row[j][0] is not None:
                    assert {(f"tables/{name}.json", f"/rows/{i}/{j}/{part}") for part in range(3)} <= places
                elif column["kind"] in ("count", "rate", "number"):
                    assert (f"tables/{name}.json", f"/rows/{i}/{j}") in places


def test_report_of_hostile_programs_shows_them_as_text(tmp_path: Path) -> None:
    """A completion that holds markup, control characters or lone surrogates arrives as text."""
    evil = "</code></pre><script>alert('x')</script>{{ 7 * 7 }}\x00\x1b\u202e\ud800\r"
    program = Program(
        task_id="<b>t</b>", model='m" onclick="x', temperature=0.2, sample=0, passed=False, verdict="wrong",
        prompt="<!--", completion=evil, mean_logprob=-0.5,
    )  # fmt: skip
    write_programs(tmp_path / "programs.json", [program])
    path = write_report(tmp_path, minimal(programs_file="programs.json", title="<i>&amp;"))
    page = Elements(path.read_text(encoding="utf-8"))
    assert "script" not in {tag for tag, _ in page.elements}
    assert not [attrs for _, attrs in page.elements if "onclick" in attrs]
    shown = "</code></pre><script>alert('x')</script>{{ 7 * 7 }}\\x00\\x1b\\u202e\\ud800\\x0d"
    assert "<!--" + shown in page.text
    assert "<b>t</b>" in page.text
    assert "<i>&amp;" in page.text


def test_report_keeps_a_completions_first_blank_line_and_indentation(tmp_path: Path) -> None:
    """Whitespace is part of a program; HTML drops a newline that comes right after <pre>."""
    program = Program(
        task_id="t", model="m", temperature=0.2, sample=0, passed=True, verdict="passed",
        prompt="", completion="\n\n    return 1\n",
    )  # fmt: skip
    write_programs(tmp_path / "programs.json", [program])
    html = write_report(tmp_path, minimal(programs_file="programs.json")).read_text()
    assert '<span class="completion">\n\n    return 1\n</span>' in html
    assert "<pre>\n" not in html


def test_report_with_nothing_in_it_is_a_page(tmp_path: Path) -> None:
    """No sections, no programs, no stages: still a page."""
    assert "<h1>t</h1>" in write_report(tmp_path, minimal()).read_text()


def test_report_of_an_empty_table_says_so(tmp_path: Path) -> None:
    """A model that was never sampled has no rows and no picture."""
    table: Table[tuple[str]] = Table(title="Nothing", columns=(Column("k", "count"),), rows=())
    write_json(tmp_path / "t.json", table.to_json())
    section = Section(title="Empty", table_file="t.json", figure="selection")
    page = write_report(tmp_path, minimal(sections=(section,))).read_text()
    assert "Nothing: no rows." in page
    assert "<figure>" not in page


def test_report_shows_undefined_as_a_dash(tmp_path: Path) -> None:
    """Undefined is neither 0 nor left out, and its interval is not three dashes."""
    nan = float("nan")
    table = Table(title="T", columns=(Column("pass@100", "estimate"),), rows=((Estimate(nan, nan, nan),),))
    write_json(tmp_path / "t.json", table.to_json())
    page = write_report(tmp_path, minimal(sections=(Section(title="S", table_file="t.json"),))).read_text()
    assert 'data-value="null"' in page
    assert page.count('class="num"') == 1
    assert ">\N{EN DASH}</span>" in page
    assert check_report(tmp_path) == (1, ())


def test_report_text_takes_numbers_and_their_kind_from_the_table(tmp_path: Path) -> None:
    """A reference into a table needs no kind; elsewhere integers are counts and the rest is said."""
    table = Table(
        title="T",
        columns=(Column("share", "rate"), Column("pass@1", "estimate")),
        rows=((0.5, Estimate(0.25, 0.2, 0.3)),),
    )
    write_json(tmp_path / "t.json", table.to_json())
    write_json(tmp_path / "other.json", {"a/b": {"n": 1234, "x": 0.9999, "loss": 2.5}})
    text = (
        f"{number('t.json', '/rows/0/0')}; {number('t.json', '/rows/0/1')}; "
        f"{number('other.json', '/a~1b/n')}; {number('other.json', '/a~1b/x', 'rate')}; "
        f"{number('other.json', '/a~1b/loss')}; {{braces}} <b>"
    )
    page = Elements(write_report(tmp_path, minimal(summary=(text,))).read_text())
    assert "50.0%; 25.0% (20.0% to 30.0%); 1,234; >99.9%; 2.5; {braces} <b>" in page.text
    assert check_report(tmp_path) == (7, ())


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (number("t.json", "/rows/9/0"), r"t.json: has nothing at '/rows/9/0'"),
        (number("t.json", "/title"), r"t.json: expected a number at '/title', found 'T'"),
        (number("absent.json", "/x"), r"absent.json: cannot be read"),
        (number("../t.json", "/x"), r"'../t.json' is no file of the run"),
        (number("/etc/passwd", "/x"), r"'/etc/passwd' is no file of the run"),
    ],
)
def test_report_with_a_reference_to_nothing_leaves_the_old_page(
    tmp_path: Path, reference: str, said: str
) -> None:
    """A missing number stops the page, by name, and what was there before stays."""
    write_json(tmp_path / "t.json", {"title": "T", "columns": [], "rows": [], "notes": []})
    (tmp_path / "report.html").write_text("old")
    with pytest.raises(InputError, match=said):
        write_report(tmp_path, minimal(summary=(reference,)))
    assert (tmp_path / "report.html").read_text() == "old"
    assert not list(tmp_path.glob(".*.tmp"))


def test_report_into_a_file_in_place_of_a_folder_is_an_output_error(tmp_path: Path) -> None:
    """An unwritable place is the user's to mend."""
    (tmp_path / "run").write_text("")
    with pytest.raises(OutputError, match=r"report\.json: cannot be written"):
        write_report(tmp_path / "run", minimal())


def test_report_content_read_back_is_equal(tmp_path: Path) -> None:
    """report.json holds the whole description."""
    content = make_run(tmp_path)
    value = json.loads(json.dumps(content.to_json()))
    assert ReportContent.from_json(value, "report.json") == content


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"format": 99}, "report.json: report format 99, this codelm reads 1"),
        ({"format": 1, "title": "t"}, "report.json: not the content of a report"),
        (
            {"format": 1, "title": "t", "sections": [{"colour": 1}], "summary": []},
            "not the content of a report",
        ),
    ],
)
def test_report_content_of_another_kind_is_refused(value: dict[str, object], said: str) -> None:
    """A file of another version, or not ours, is named."""
    with pytest.raises(InputError, match=said):
        ReportContent.from_json(value, "report.json")


def test_section_with_a_figure_and_no_table_is_refused() -> None:
    """A figure is drawn from a table's file, so that both can be checked."""
    with pytest.raises(ValueError, match="a figure is drawn from a table_file, none is given"):
        Section(title="S", figure="selection")
