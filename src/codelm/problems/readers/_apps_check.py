"""What the tests of an APPS problem that calls a function run after the program, as one function's text."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def check_as_apps(candidate: "Callable[..., Any]", cases: str) -> None:
    import json

    def with_number_keys(value: "Any") -> "Any":
        """JSON made strings of a dictionary's keys."""
        try:
            return {int(key): item for key, item in value.items()} if isinstance(value, dict) else value
        except ValueError:
            return value

    for given, wanted in json.loads(cases):
        arguments = [with_number_keys(given[0])] if given and isinstance(given[0], dict) else given
        got = candidate(*arguments)
        got = list(got) if isinstance(got, tuple) else got  # lists stand for tuples in what is expected
        answers = [wanted]
        if isinstance(wanted, dict):
            answers = [[with_number_keys(wanted)]]
        elif isinstance(wanted, list) and wanted and isinstance(wanted[0], dict):
            answers = [[with_number_keys(wanted[0])]]
        if isinstance(answers[0], list) and answers[0]:
            answers.append(answers[0][0])
        right = got in answers
        if not right and isinstance(got, list) and got and isinstance(got[0], tuple):
            right = [list(item) for item in got] == answers[-1]
        assert right
