"""What judge `split` makes of values of rarer types: as in one process where it can, and never deceived."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from support import absent

from codelm.evaluation._split import SplitJudge
from codelm.evaluation._verdict import Verdict
from codelm.problems import Problem
from codelm.sandbox import Limits, probe

PROMPT = "def f(*a):\n"


def problem(test: str) -> Problem:
    """A problem whose tests are these lines of `check`."""
    body = "".join(f"    {line}\n" for line in test.splitlines())
    return Problem(task_id="t/1", prompt=PROMPT, entry_point="f", test=f"def check(candidate):\n{body}")


def passes_in_process(task: Problem, completion: str) -> bool:
    """What Python says of it with all in one namespace."""
    namespace: dict[str, object] = {}
    try:
        exec(f"{task.prompt}{completion}\n{task.test}\ncheck(f)\n", namespace)
    except Exception:
        return False
    return True


@pytest.fixture(scope="module", params=["process", "full"])
def judge(request) -> Iterator[SplitJudge]:
    """One for the tests of this file."""
    if (reason := probe(request.param)) is not None:
        absent(reason)
    limits = Limits(time_s=1.0, memory_bytes=300 << 20, output_bytes=10**6)
    with SplitJudge(limits, workers=1, isolation=request.param) as judge:
        yield judge


HONEST = {
    "function with a cache": (
        "g = candidate(3)\nassert (g(4), g(4), g.cache_info().hits) == (7, 7, 1)",
        "    import functools\n    return functools.lru_cache(None)(lambda y: a[0] + y)\n",
    ),
    "itemgetter": (
        "assert candidate(1)([3, 4]) == 4",
        "    import operator\n    return operator.itemgetter(1)\n",
    ),
    "method of a built-in type": (
        "assert [*map(candidate(), 'ab')] == ['A', 'B']\nassert callable(candidate())",
        "    return str.upper\n",
    ),
    "ufunc": ("assert candidate()(1, 2) == 3", "    import numpy\n    return numpy.add\n"),
    "object that can be called": (
        "add = candidate(3)\nassert (add(4), add.x, callable(add)) == (7, 3, True)\n"
        "assert sorted([2, 1], key=candidate(0)) == [1, 2]",
        "    return Adder(a[0])\nclass Adder:\n    def __init__(self, x): self.x = x\n"
        "    def __call__(self, y): return self.x + y\n",
    ),
    "object that can be iterated": (
        "r = candidate(3)\nassert list(r) == list(r) == [0, 1, 2]\n"
        "assert (sum(r), 2 in r, 5 in r) == (3, True, False)\n"
        "x, *_, z = r\nassert (x, z, r.n) == (0, 2, 3)",
        "    return It(a[0])\nclass It:\n    def __init__(self, n): self.n = n\n"
        "    def __iter__(self): return iter(range(self.n))\n",
    ),
    "iterator that begins again": (
        "r = candidate(2)\nassert list(r) == list(r) == [0, 1]\n"
        "assert (next(iter(r)), next(r), r.n, iter(r) == 0) == (0, 1, 2, False)",
        "    return It(a[0])\nclass It:\n    def __init__(self, n): self.n = n\n"
        "    def __iter__(self):\n        self.at = -1\n        return self\n"
        "    def __next__(self):\n        self.at += 1\n"
        "        if self.at >= self.n: raise StopIteration\n        return self.at\n",
    ),
    "iterator without more": (
        "r = candidate()\nassert (next(r), next(r)) == (3, 3)",
        "    return It()\nclass It:\n    def __next__(self): return 3\n",
    ),
    "object of the sequence protocol": (
        "assert list(candidate()) == ['x', 'y']",
        "    return Seq()\nclass Seq:\n    def __getitem__(self, at): return 'xy'[at]\n",
    ),
    "object that is neither": (
        "from collections.abc import Iterable\nr = candidate()\n"
        "assert not callable(r) and not isinstance(r, Iterable)",
        "    import enum\n    return enum.Enum('E', 'A').A\n",
    ),
    "iterator of the tests behind an object": (
        "it = iter([1, 2])\nassert list(candidate(it)) == [1, 2]",
        "    return It(a[0])\nclass It:\n    def __init__(self, it): self.it = it\n"
        "    def __iter__(self): return self.it\n",
    ),
    "exception of an iteration": (
        "try:\n    list(candidate())\n    assert False\n"
        "except KeyError as error:\n    assert error.args == ('k',)",
        "    return It()\nclass It:\n    def __iter__(self):\n        yield 1\n        raise KeyError('k')\n",
    ),
    "callables of the tests": (
        "import functools, operator\n"
        "class Key:\n    def __call__(self, x): return -x\n"
        "assert candidate([2, 1], operator.neg) == [2, 1]\n"
        "assert candidate([2, 1, 3], Key()) == [3, 2, 1]\n"
        "assert candidate(['B', 'a'], str.lower) == ['a', 'B']\n"
        "assert candidate([(1, 2), (2, 1)], operator.itemgetter(1)) == [(2, 1), (1, 2)]\n"
        "assert candidate([2, 1], functools.cache(lambda x: x)) == [1, 2]",
        "    return sorted(a[0], key=a[1])\n",
    ),
    "array": (
        "import array\nr = candidate(3)\nassert list(r) == [0, 1, 2] and r[1] == 1 and len(r) == 3\n"
        "assert r == array.array('i', [0, 1, 2]) and r.typecode == 'i' and r != [0, 1, 2]",
        "    import array\n    return array.array('i', range(a[0]))\n",
    ),
    "array that changes in place": (
        "import array\nx = array.array('d', [2.5, 1])\nassert candidate(x) is x\n"
        "assert x.tolist() == [1, 2.5, 3]",
        "    a[0].reverse(); a[0].append(3); return a[0]\n",
    ),
    "UserList": (
        "import collections\nr = candidate(3)\nassert r == [0, 1, 2] and list(r) == [0, 1, 2]\n"
        "assert len(r) == 3 and r == collections.UserList([0, 1, 2])\n"
        "assert r[-1] == 2 and not isinstance(r, list)",
        "    from collections import UserList\n    return UserList(range(a[0]))\n",
    ),
    "UserList that changes in place": (
        "import collections\nx = collections.UserList([2, 1])\nassert candidate(x) is x\nassert x == [1, 2]",
        "    a[0].sort(); return a[0]\n",
    ),
    "UserDict": (
        "assert candidate() == {'a': 1} and candidate()['a'] == 1",
        "    import collections\n    return collections.UserDict(a=1)\n",
    ),
    "UserString": (
        "assert candidate() == 'ab' and candidate().upper() == 'AB' and {candidate(): 1} == {'ab': 1}",
        "    from collections import UserString\n    return UserString('ab')\n",
    ),
    "ChainMap": (
        "r = candidate()\nassert r == {'a': 1, 'b': 3} and r['a'] == 1 and r.parents == {'a': 2, 'b': 3}",
        "    from collections import ChainMap\n    return ChainMap({'a': 1}, {'a': 2, 'b': 3})\n",
    ),
    "ChainMap that changes in place": (
        "import collections\nx = {}\nassert candidate(collections.ChainMap(x)) is None and x == {'k': 1}",
        "    a[0]['k'] = 1\n",
    ),
    "mapping proxy": (
        "r = candidate()\nassert r == {'a': 1} and dict(r) == {'a': 1} and len(r) == 1\n"
        "try:\n    r['b'] = 1\n    assert False\nexcept TypeError:\n    pass",
        "    from types import MappingProxyType\n    return MappingProxyType({'a': 1})\n",
    ),
    "proxy of another mapping": (
        "r = candidate()\nassert r.maps == [{'a': 1}] and list(r) == ['a']",
        "    import collections, types\n"
        "    return types.MappingProxyType(collections.ChainMap({'a': 1})).copy()\n",
    ),
    "array of objects": (
        "import numpy\nr = candidate()\n"
        "assert list(r) == ['a', 1] and (r == numpy.array(['a', 1], dtype=object)).all()\n"
        "assert (r.dtype, r.shape) == (object, (2,))",
        "    import numpy\n    return numpy.array(['a', 1], dtype=object)\n",
    ),
    "array of lists": (
        "assert candidate().tolist() == [[[1, 2]], [[3, 4]]] and candidate().shape == (2, 1)",
        "    import numpy\n    r = numpy.empty((2, 1), object)\n"
        "    r[0, 0] = [1, 2]; r[1, 0] = [3, 4]\n    return r\n",
    ),
    "array of objects that changes in place": (
        "import numpy\nx = numpy.array(['a', None])\n"
        "assert candidate(x) is None\nassert x.tolist() == ['a', [1]]",
        "    a[0][1] = [1]\n",
    ),
    "path": (
        "import pathlib\nr = candidate()\n"
        "assert str(r) == 'a/b' and r == pathlib.PurePosixPath('a', 'b') and r.name == 'b'",
        "    from pathlib import Path\n    return Path('a') / 'b'\n",
    ),
    "path of Windows": (
        "import pathlib\nassert candidate() == pathlib.PureWindowsPath('C:/A')\n"
        "assert candidate(1) == pathlib.PurePath('a')",
        "    import pathlib\n    return pathlib.PurePath('a') if a else pathlib.PureWindowsPath('c:\\\\a')\n",
    ),
    "time in a zone of its own": (
        "assert candidate().year == 2020",
        "    import datetime, zoneinfo\n    class Zone(datetime.tzinfo): pass\n"
        "    return datetime.datetime(2020, 1, 1, tzinfo=Zone())\n",
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_rare_values_cross_as_if_in_one_process(judge, name) -> None:
    """What passes in one process passes apart."""
    test, completion = HONEST[name]
    task = problem(test)
    assert passes_in_process(task, completion)
    outcome = judge.judge(task, completion)
    assert outcome.verdict is Verdict.PASSED, outcome


LIES = """
class Liar:
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __hash__ = lambda self: hash(3)
    __len__ = lambda self: 3
    __bool__ = lambda self: True
    __getitem__ = lambda self, key: 3
    __float__ = lambda self: 3.0
    __index__ = __int__ = lambda self: 3
"""
# Wrong completions that pass in one process: tests, the function that they call, and what it returns.
EVIL = {
    "callable that equals all": (
        "assert candidate() == 3",
        "    return E()\n",
        "class E(Liar):\n    def __call__(self, *a): return self\n",
    ),
    "call that returns what equals all": (
        "assert candidate()(1) == 3",
        "    return E()\n",
        "class E(Liar):\n    def __call__(self, *a): return self\n",
    ),
    "iterable that equals all": (
        "assert candidate() == [1, 2, 3]",
        "    return E()\n",
        "class E(Liar):\n    def __iter__(self): return iter([])\n",
    ),
    "iterable of what equals all": (
        "assert list(candidate()) == [1, 2, 3]",
        "    return E()\n",
        "class E(Liar):\n    def __iter__(self): return iter([E(), E(), E()])\n",
    ),
    "iterator of what equals all": (
        "assert next(candidate()) == 1",
        "    return E()\n",
        "class E(Liar):\n    def __next__(self): return self\n",
    ),
    "iterator that equals all": (
        "assert iter(candidate()) == [1, 2, 3]",
        "    return E()\n",
        "class E(Liar):\n    def __iter__(self): return self\n    def __next__(self): raise StopIteration\n",
    ),
    "length of an iterable": (
        "assert len(candidate()) == 3",
        "    return E()\n",
        "class E(Liar):\n    def __iter__(self): return iter([])\n",
    ),
    "hash of a callable": (
        "assert {3: 'x'}.get(candidate()) == 'x'",
        "    return E()\n",
        "class E(Liar):\n    def __call__(self): return 3\n",
    ),
    "type of a callable": (
        "assert isinstance(candidate(), int)",
        "    return E()\n",
        "class E(Liar):\n    __class__ = int\n    def __call__(self): return 3\n"
        "    def __iter__(self): return iter([])\n",
    ),
    "what an iterable contains": (
        "assert 3 in candidate()",
        "    return E()\n",
        "class E(Liar):\n    def __iter__(self): return iter([])\n",
    ),
    "order of a callable": (
        "assert 2 < candidate() < 4",
        "    return E()\n",
        "class E(Liar):\n    def __call__(self): return 3\n",
    ),
    "nearness of a callable": (
        "import math\nassert math.isclose(candidate(), 3) and abs(float(candidate()) - 3) < 1e-6",
        "    return E()\n",
        "class E(Liar):\n    def __call__(self): return 3\n",
    ),
    "array that numpy would read": (
        "import numpy\nassert numpy.allclose(candidate(), [3.0])",
        "    return E()\n",
        "class E(Liar):\n    def __iter__(self): return iter([3.0])\n"
        "    def __array__(self, *a, **k):\n        import numpy\n        return numpy.array([3.0])\n",
    ),
    "UserList that equals all": (
        "assert candidate() == [1, 2, 3]",
        "    return E()\n",
        "from collections import UserList\nclass E(Liar, UserList): pass\n",
    ),
    "UserList of a list that equals all": (
        "assert candidate() == [1, 2, 3]",
        "    r = UserList()\n    r.data = E()\n    return r\n",
        "from collections import UserList\nclass E(Liar, list): pass\n",
    ),
    "UserList of what equals all": (
        "assert candidate() == [1, 2, 3]",
        "    return UserList([Liar()] * 3)\n",
        "from collections import UserList\n",
    ),
    "UserDict that equals all": (
        "assert candidate() == {'a': 1}",
        "    return E()\n",
        "from collections import UserDict\nclass E(UserDict): __eq__ = Liar.__eq__\n",
    ),
    "UserDict of a dict that equals all": (
        "assert candidate()['a'] == 3",
        "    r = UserDict()\n    r.data = E()\n    return r\n",
        "from collections import UserDict\nclass E(Liar, dict): pass\n",
    ),
    "UserString of a str that equals all": (
        "assert candidate() == 'abc'",
        "    r = UserString('')\n    r.data = E()\n    return r\n",
        "from collections import UserString\nclass E(Liar, str): pass\n",
    ),
    "UserString that equals all": (
        "assert candidate() == 'abc'",
        "    return E('')\n",
        "from collections import UserString\nclass E(UserString): __eq__ = Liar.__eq__\n",
    ),
    "ChainMap of lying maps": (
        "assert candidate()['a'] == 3",
        "    return ChainMap(E())\n",
        "from collections import ChainMap\nclass E(Liar, dict): pass\n",
    ),
    "ChainMap that equals all": (
        "assert candidate() == {'a': 1}",
        "    return E()\n",
        "from collections import ChainMap\nclass E(Liar, ChainMap): pass\n",
    ),
    "proxy of a mapping that equals all": (
        "assert candidate() == {'a': 1}",
        "    return types.MappingProxyType(E())\n",
        "import types\nclass E(Liar, dict): pass\n",
    ),
    "path of a text that equals all": (
        "assert str(candidate()) == 'abc'",
        "    r = pathlib.PurePosixPath('x')\n    r._str = E('x')\n    return r\n",
        "import pathlib\nclass E(Liar, str): pass\n",
    ),
    "path that equals all": (
        "import pathlib\nassert candidate() == pathlib.PurePosixPath('abc')",
        "    return E('x')\n",
        "import pathlib\nclass E(Liar, pathlib.PurePosixPath): pass\n",
    ),
    "array of numbers that equals all": (
        "import array\nassert candidate() == array.array('i', [1, 2, 3])",
        "    return E('i')\n",
        "import array\nclass E(Liar, array.array): pass\n",
    ),
    "array of objects that equal all": (
        "import numpy\nassert (candidate() == numpy.array([1, 2, 3])).all()",
        "    return numpy.array([E()] * 3)\n",
        "import numpy\nclass E: __eq__ = Liar.__eq__\n",
    ),
    "array of objects that is an array of its own": (
        "assert candidate() == 3",
        "    return numpy.array([None]).view(E)\n",
        "import numpy\nclass E(Liar, numpy.ndarray): pass\n",
    ),
}


@pytest.mark.parametrize("name", EVIL)
def test_nothing_of_the_candidates_decides_where_values_are_compared(judge, name) -> None:
    """Each is wrong and passes in one process."""
    test, body, definitions = EVIL[name]
    task, completion = problem(test), body + LIES + definitions
    assert passes_in_process(task, completion)
    assert judge.judge(task, completion).verdict in (Verdict.WRONG, Verdict.ERROR)


ENDLESS = {
    "small": ("itertools.count()", (Verdict.TIMEOUT, Verdict.MEMORY)),
    "large": ("map(bytes, itertools.repeat(10 << 20))", (Verdict.TIMEOUT, Verdict.MEMORY)),
    "in one call": ("iter(lambda: [*itertools.count()], 1)", (Verdict.TIMEOUT, Verdict.MEMORY)),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_endless_iteration_ends_at_a_limit(judge, name) -> None:
    """Of time or memory; the next completion finds all in order."""
    endless, verdicts = ENDLESS[name]
    completion = f"    return It()\nimport itertools\nclass It:\n    def __iter__(self): return {endless}\n"
    limits = replace(judge.limits, time_s=0.3)
    assert judge.judge(problem("list(candidate())"), completion, limits=limits).verdict in verdicts
    assert judge.judge(problem("assert candidate(1) == (1,)"), "    return a\n").verdict is Verdict.PASSED


def test_iteration_must_give_an_iterator(judge) -> None:
    """As Python has it."""
    completion = "    return It()\nclass It:\n    def __iter__(self): return [1]\n"
    task = problem("assert list(candidate()) == [1]")
    assert not passes_in_process(task, completion)
    assert judge.judge(task, completion).verdict is Verdict.ERROR
