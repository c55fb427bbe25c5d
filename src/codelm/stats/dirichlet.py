"""The distribution of a mean whose weights are random: Dirichlet, the weights of the Bayesian bootstrap.

With weights from Dirichlet(a_1, a_2, ...) the mean of the points x_1, x_2, ... lies below t with the chance
that G_1 (x_1 - t) + G_2 (x_2 - t) + ... < 0 for independent gamma variables G_i of shape a_i. That chance is
an integral of a known function over a line in the complex plane; through the saddle point (Helstrom 1978) it
converges so fast that one fixed rule serves for all.
"""

import math
from collections.abc import Callable, Mapping
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

# The rule: y = scale * sinh(x) along the line. A finer step or a longer line changes the eighth digit.
_STEP = 0.1
_X = np.arange(0.0, 10.0, _STEP)
_SINH, _COSH = np.sinh(_X), np.cosh(_X)
_COSH[0] = 0.5  # the first node of the trapezoid


def mean_quantile(weights: Mapping[float, float], chance: float) -> float:
    """The t below which the mean lies with this chance. weights: Dirichlet parameter of each point, positive.

    The points must not all be equal, the chance in (0, 1).
    """
    low, width, points, parameters = _unit(weights)
    centre = float(parameters @ points / parameters.sum())
    spread = math.sqrt(parameters @ (points - centre) ** 2 / parameters.sum() / (parameters.sum() + 1.0))
    guess = centre + NormalDist().inv_cdf(chance) * spread

    def excess(t: float) -> float:  # on the logistic scale, where it is nearly a straight line
        below = min(max(_below(points, parameters, t), 1e-300), 1.0 - 1e-16)
        return math.log(below / (1.0 - below)) - math.log(chance / (1.0 - chance))

    return low + width * _root(excess, guess if 0.0 < guess < 1.0 else centre)


def mean_below(weights: Mapping[float, float], t: float) -> float:
    """Chance that the mean lies below t, strictly between the smallest and the largest point."""
    low, width, points, parameters = _unit(weights)
    place = min(max((t - low) / width, 1e-100), 1.0 - 1e-16)  # or a square would leave the range of floats
    return _below(points, parameters, place)


def _unit(weights: Mapping[float, float]) -> tuple[float, float, Vector, Vector]:
    """The smallest point, the distance to the largest, the points when those are 0 and 1, the parameters."""
    points, parameters = np.array(list(weights)), np.array(list(weights.values()))
    low, high = float(points.min()), float(points.max())
    return low, high - low, (points - low) / (high - low), parameters


def _below(points: Vector, parameters: Vector, t: float) -> float:
    away = points - t
    if parameters @ away < 0.0:  # the smaller of the two tails is computed: no digits are lost in 1 - p
        return 1.0 - _below(-points, parameters, -t)
    tilt = _saddle(away, parameters)
    ratio = away / (1.0 - tilt * away)
    scale = 1.0 / math.sqrt(parameters @ ratio**2 + 1.0 / tilt**2)
    y = scale * _SINH
    turn = np.outer(y, ratio)
    size = np.exp(-0.5 * (np.log1p(turn**2) @ parameters + np.log1p((y / tilt) ** 2)))
    angle = np.arctan(turn) @ parameters - np.arctan(y / tilt)
    peak = math.exp(-(parameters @ np.log1p(-tilt * away))) / -tilt
    return float(peak * (size * np.cos(angle) * _COSH).sum() * _STEP * scale / math.pi)


def _saddle(away: Vector, parameters: Vector) -> float:
    """The s < 0 where the integrand, exp(K(s)) / -s, is smallest on the real line: Newton in a bracket."""
    low, high = 1.0 / float(away.min()), 0.0
    s = low / 2.0
    for _ in range(100):
        ratio = away / (1.0 - s * away)
        slope = float(parameters @ ratio) - 1.0 / s
        low, high = (low, s) if slope > 0.0 else (s, high)
        better = s - slope / (float(parameters @ ratio**2) + 1.0 / s**2)
        better = better if low < better < high else (low + high) / 2.0
        if abs(better - s) <= 1e-6 * abs(s):  # any line nearby gives the same integral
            return better
        s = better
    return s


def _root(increasing: Callable[[float], float], guess: float) -> float:
    """Where a function crosses zero between 0 and 1: false position, Illinois' way, after bisection."""
    low, high, at_low, at_high, last = 0.0, 1.0, math.nan, math.nan, 0.0
    for _ in range(100):
        y = increasing(guess)
        if abs(y) < 1e-9 or high - low < 1e-12:
            break
        # An end that stays twice has its value halved, or it would stay for ever.
        if y < 0.0:
            low, at_low, at_high = guess, y, at_high / 2.0 if last < 0.0 else at_high
        else:
            high, at_high, at_low = guess, y, at_low / 2.0 if last > 0.0 else at_low
        last, slope = y, at_high - at_low
        guess = (low + high) / 2.0 if math.isnan(slope) else (low * at_high - high * at_low) / slope
    return guess
