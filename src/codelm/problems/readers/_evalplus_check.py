"""What EvalPlus's tests run beside a candidate: the reader puts this function's text into each of them.

It is one function, with all it needs inside, because any other name could hide one of the candidate's own.
The expected output comes from the reference solution, run here, in the sandbox, one input at a time.
"""

# ruff: noqa: E721, S102 - types are to be equal, as EvalPlus wants; the reference is the data set's own
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def check_as_evalplus(
    candidate: "Callable[..., Any]",
    *,
    name: str,
    reference: str,
    inputs: str,
    arguments: "Callable[[list[Any]], Any]",
    oracle: str,
    atol: float,
) -> None:
    import copy
    import json
    import math
    import sys

    def is_floats(value: "Any") -> bool:
        if isinstance(value, float):
            return True
        if isinstance(value, list | tuple) and value:
            return all(isinstance(item, float) for item in value)
        numpy = sys.modules.get("numpy")
        return (
            numpy is not None and isinstance(value, numpy.ndarray) and value.dtype in ("float64", "float32")
        )

    def is_right(given: "Any", got: "Any", wanted: "Any") -> bool:
        if oracle == "same elements":
            return set(got) == set(wanted)
        if oracle == "something or nothing":
            return bool(got == wanted if isinstance(got, bool) else wanted == (got is not None))
        return bool(
            got == wanted
            or oracle == "anything"
            or (oracle == "or zero" and got == 0)
            or (oracle == "or by slant height" and abs(got - surface_by_slant_height(*given)) <= atol)
            or (oracle == "or digit by digit" and got == distance_digit_by_digit(*given))
        )

    def surface_by_slant_height(base: float, height: float) -> int:
        slant = math.sqrt((base / 2) ** 2 + height**2)
        return round(base**2 + 4 * (base * slant) / 2)

    def distance_digit_by_digit(one: int, other: int) -> int:
        size = max(len(str(one)), len(str(other)))
        pairs = zip(str(one).zfill(size), str(other).zfill(size), strict=True)
        return sum(abs(int(a) - int(b)) for a, b in pairs)

    namespace: dict[str, Any] = {}
    exec(compile(reference, "<reference>", "exec"), namespace)
    for row in json.loads(inputs):
        given = arguments(row)
        if oracle == "root":
            coefficients = list(given[0])
            got = candidate(*given)
            # EvalPlus looks at the list that the candidate was given, which may have been emptied.
            for polynomial in given[0], coefficients:
                assert abs(sum(k * math.pow(got, power) for power, k in enumerate(polynomial))) <= atol
            continue
        wanted = namespace[name](*copy.deepcopy(given))
        got = candidate(*copy.deepcopy(given))
        if oracle == "something or nothing":
            wanted = wanted is not None
        right = is_right(given, got, wanted)
        if atol == 0 and is_floats(wanted):
            atol = 1e-6  # from here on for the problem's other inputs too
        if not right and atol != 0:
            assert type(got) == type(wanted)
            if isinstance(wanted, list | tuple):
                assert len(got) == len(wanted)
            import numpy

            # An empty array within would be stretched over the wanted values, and agree with none of them.
            assert numpy.shape(got) == numpy.shape(wanted)
            right = numpy.allclose(got, wanted, rtol=1e-07, atol=atol)
        assert right
