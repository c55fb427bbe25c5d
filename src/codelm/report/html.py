"""`report.html`: one offline page, made from `report.json` and the files of the run that it names.

First everything is looked up and turned into views, then a template is filled, with every text escaped: the
page shows programs that a model wrote. A number's element is of class `num` and carries its source:
data-file (relative to the run), data-path (JSON pointer), data-kind, and the unrounded data-value.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from codelm.errors import MissingError
from codelm.files import atomic_write, read_json, write_json
from codelm.report._shown import visible
from codelm.report._views import Page
from codelm.report.content import CONTENT, ReportContent

if TYPE_CHECKING:
    import jinja2

PAGE = "report.html"


def write_report(run: Path, content: ReportContent) -> Path:
    """Save what the report says (`report.json`), make `report.html` from the run's files, return its path.

    Raises: InputError when a file that the content names is missing or lacks a number; OutputError;
    MissingError without matplotlib or Jinja2.
    """
    write_json(run / CONTENT, content.to_json())
    return render_report(run)


def render_report(run: Path) -> Path:
    """Make `report.html` again from `report.json` and the run's files; the same files give the same bytes.

    Raises: as `write_report`.
    """
    content = ReportContent.from_json(read_json(run / CONTENT), str(run / CONTENT))
    html = _template().render(Page(run).views(content))
    with atomic_write(run / PAGE) as stream:
        stream.write(html.encode())
    return run / PAGE


def _template() -> "jinja2.Template":
    try:
        import jinja2
    except ImportError as error:
        raise MissingError("report.html needs Jinja2: pip install 'codelm[report]'") from error
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("codelm.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    return environment.get_template("report.html.j2")
