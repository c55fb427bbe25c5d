"""`reproduce`: the paper's whole loop at one scale (Codex paper, secs. 2 to 4 and 6)."""

import sys
from pathlib import Path

from codelm.journal import Journal
from codelm.progress import duration
from codelm.recipes.findings import Findings, write_findings
from codelm.recipes.plan import plan
from codelm.recipes.scale import Scale
from codelm.recipes.stages import Stage, run_stages


def reproduce(run: Path, scale: Scale) -> Findings:
    """Bring every stage of a run up to date, write its tables and `report.html`, and return the main tables.

    run: the run's folder; finished stages in it are kept. Raises: whatever a stage raises, with what was
    finished before it kept.
    """
    stages = plan(scale, run)

    def announce(stage: Stage, number: int) -> None:
        print(f"[{number}/{len(stages)}] {stage.title}", file=sys.stderr, flush=True)

    with Journal(run / "run.lock", {}):  # one process at a time
        results = run_stages(stages, run, on_start=announce)
    skipped = sum(result.skipped for result in results)
    if skipped:
        spared = duration(sum(result.seconds for result in results if result.skipped))
        print(f"{skipped} of {len(results)} stages were up to date ({spared} spared)", file=sys.stderr)
    return write_findings(run, scale, results)
