"""What is judged of a chat model's answer. Stop sequences: tests/sampling/test_stops.py."""

import pytest

from codelm.problems import Problem, take_fenced

FUNCTION = Problem(task_id="t/0", prompt="import math\ndef f(x):\n", entry_point="f")
SCRIPT = Problem(task_id="t/1", prompt="Add.", kind="script", entry_point="f", test="assert f(1) == 1")

CASES = {
    "no fence": ("    return 1\n", "    return 1\n"),
    "a body": ("Sure:\n```python\n    return 1\n```\nDone.", "    return 1\n"),
    "no language": ("```\n    return 1\n```", "    return 1\n"),
    "tildes": ("~~~py\n    return 1\n~~~\n", "    return 1\n"),
    "never closed": ("```python\n    return 1\n", "    return 1\n"),
    "defines it again": ("```python\ndef f(x):\n    return 1\n```", "    pass\n\ndef f(x):\n    return 1\n"),
    "second block defines it": (
        "Try\n```\n>>> f(1)\n```\nwith\n```python\nfrom math import pi\ndef f(x):\n    return 1\n```\n",
        "    pass\n\nfrom math import pi\ndef f(x):\n    return 1\n",
    ),
    "another name begins alike": ("```\ndef f2(x):\n    pass\n```", "def f2(x):\n    pass\n"),
    "a draft, then better": (
        "```\ndef f(x):\n    return 0\n```\nThat is wrong:\n```\ndef f(x):\n    return 1\n```\n",
        "    pass\n\ndef f(x):\n    return 1\n",
    ),
    "what it thinks": (
        "<think>```python\ndef f(x):\n    return 0\n``` no\n</think>\n```python\n    return 1\n```",
        "    return 1\n",
    ),
    "a helper in a block of its own": (
        "```python\nimport re\ndef g():\n    return 1\n```\nand\n```python\ndef f(x):\n    return g()\n```",
        "    pass\n\nimport re\ndef g():\n    return 1\n\ndef f(x):\n    return g()\n",
    ),
    "an example after it": (
        "```python\ndef f(x):\n    return 1\n```\nUse:\n```python\nprint(f(1))\n```\n```text\n1\n```",
        "    pass\n\ndef f(x):\n    return 1\n",
    ),
    "in a list": (
        "1. So:\n    ```python\n    def f(x):\n        return 1\n    ```\n",
        "    pass\n\ndef f(x):\n    return 1\n",
    ),
    "a fence in a sentence": (
        "I used ```python\nfoo\n``` there.\n\n```python\n    return 1\n```",
        "    return 1\n",
    ),
    "a fence inside of one": ("````\n    s = '''\n```\n'''\n````", "    s = '''\n```\n'''\n"),
    "backticks in the text": ("Use `f`, then ```x```.\n", "Use `f`, then ```x```.\n"),
}


@pytest.mark.parametrize(("text", "code"), CASES.values(), ids=CASES)
def test_code_is_taken_from_its_fence(text, code) -> None:
    """What stands around it is not judged."""
    assert take_fenced(FUNCTION, text) == code


def test_whole_program_stands_alone() -> None:
    """Where the problem wants one, or the sample holds one."""
    answer = "```python\ndef f(x):\n    return 1\n```"
    assert take_fenced(SCRIPT, answer) == "def f(x):\n    return 1\n"
    assert take_fenced(FUNCTION, answer, whole=True) == "def f(x):\n    return 1\n"


def test_answer_stands_below_prompts_with_what_they_import() -> None:
    """So the program is whole."""
    scope: dict = {}
    exec(FUNCTION.prompt + take_fenced(FUNCTION, "```\ndef f(x):\n    return math.pi\n```"), scope)
    assert scope["f"](0) > 3
