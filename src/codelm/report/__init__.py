"""Tables to the terminal, to figures and to one offline HTML file. Nothing here computes a statistic.

The HTML names, beside every number, the file of the run it comes from; `check_report` reads both and
compares.
"""

from codelm.report.check import CheckedReport, check_report
from codelm.report.content import Program, ReportContent, Section, number, write_programs
from codelm.report.figures import FIGURES, draw
from codelm.report.html import render_report, write_report
from codelm.report.terminal import rich_table

__all__ = [
    "FIGURES",
    "CheckedReport",
    "Program",
    "ReportContent",
    "Section",
    "check_report",
    "draw",
    "number",
    "render_report",
    "rich_table",
    "write_programs",
    "write_report",
]
