"""What is judged of a chat model's answer. Stop sequences: tests/sampling/test_stops.py."""

from dataclasses import replace

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
    assert take_fenced(FUNCTION, text) == (code, False)


def test_whole_program_stands_alone() -> None:
    """Where the problem wants one, or the sample holds one."""
    answer = "```python\ndef f(x):\n    return 1\n```"
    assert take_fenced(SCRIPT, answer) == ("def f(x):\n    return 1\n", False)
    assert take_fenced(FUNCTION, answer, whole=True) == ("def f(x):\n    return 1\n", True)


def test_answer_stands_below_prompts_with_what_they_import() -> None:
    """So the program is whole."""
    scope: dict = {}
    code = take_fenced(FUNCTION, "```\ndef f(x):\n    return math.pi\n```")
    exec(FUNCTION.prompt + code.text, scope)
    assert scope["f"](0) > 3


JS = Problem(
    task_id="t/2", language="js", prompt="/* f */\nconst f = (x) => {\n", entry_point="f", test="f(1)"
)
CPP = replace(JS, language="cpp", prompt="/* f */\n#include<map>\nusing namespace std;\nint f(int x){\n")


@pytest.mark.parametrize(
    ("problem", "block", "code"),
    [
        (JS, "const f = (x) => {\n  return 1\n}\n", ("const f = (x) => {\n  return 1\n}\n", True)),
        (JS, "async function f(x) {\n  return 1\n}\n", ("async function f(x) {\n  return 1\n}\n", True)),
        (JS, "  return f2(1)\n}\n", ("  return f2(1)\n}\n", False)),
        (
            CPP,
            "int f(int x) {\n  return 1;\n}\n",
            ("#include<map>\nusing namespace std;\nint f(int x) {\n  return 1;\n}\n", True),
        ),
        (CPP, "  return x > 0 ? f(x - 1) : 1;\n}\n", ("  return x > 0 ? f(x - 1) : 1;\n}\n", False)),
        (JS, "const f = require('./f')\n", ("const f = require('./f')\n", False)),
        (CPP, "int main() {\n  if (f(2)) {\n  }\n}\n", ("int main() {\n  if (f(2)) {\n  }\n}\n", False)),
        (
            replace(JS, prompt="/* f */\nconst g = (x) => x\nconst f = (x) => {\n"),
            "const f = (x) => {\n  return g(x)\n}\n",
            ("const g = (x) => x\nconst f = (x) => {\n  return g(x)\n}\n", True),
        ),
        (
            replace(JS, prompt="/* f */\nconst g = (x) => x\nconst f = (x) => {\n"),
            "function g(x) { return x }\nconst f = (x) => {\n  return g(x)\n}\n",
            ("function g(x) { return x }\nconst f = (x) => {\n  return g(x)\n}\n", True),
        ),
    ],
)
def test_function_in_another_language_is_a_whole_program(problem: Problem, block: str, code) -> None:
    """A second definition below the prompt's would not do there; a body follows the prompt."""
    assert take_fenced(problem, f"Here:\n```\n{block}```\n") == code
