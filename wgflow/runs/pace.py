r"""How much of a run is done and how much is left, from the times of its steps.

The size of steps is followed as a power of time, :math:`dt \sim t^p` with p in [0, 1]: fast transients at the start ask
for small steps, and what comes to rest, or is shown at times that are spread by factors, allows steps that grow with
time. From t on there are then

.. math:: \frac{t}{dt} \, \frac{(T / t)^{1-p} - 1}{1-p}

steps to T, and :math:`(t / dt) \log(T / t)` for p = 1. The numbers of steps between three times give p and dt, since
single sizes say little where outputs cut them. How far back to look is not known beforehand: of several windows the
lower third counts, for transients in a window make p too small.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable

import numpy as np

from wgflow.typing import FloatArray

WINDOWS = (0.75, 0.5, 0.375, 0.25, 0.1875, 0.125, 0.09)  # recent parts of the steps
LEAST_WINDOW = 16  # steps: outputs cut some of few
LOWER = 1.0 / 3.0  # of the numbers that windows give
RECENT = 0.5  # part of the steps of this process that tells what a step takes
MOST_MARKS = 4096  # times that are kept
HALVINGS = 40  # of [0, 1] on the way to 1 - p


class Pace:
    """Tells from the steps so far how many will follow, and how long they take.

    Parameters
    ----------
    end : float
        Last time of the run.
    earlier : array, shape (n,), or iterable of float
        Times of the steps that it had done before this process, in their order.

    Attributes
    ----------
    done : int
        Number of steps so far, those before this process among them.
    time : float
        Time that they have reached.

    Examples
    --------
    >>> pace = Pace(8.0)
    >>> for number in range(1, 4):
    ...     pace.note(0.25 * number, seconds=2.0 * number)
    >>> pace.done, round(pace.steps_left, 9), round(pace.seconds_left, 9)
    (3, 29.0, 58.0)
    """

    def __init__(self, end: float, earlier: Iterable[float] = ()) -> None:
        self._end = end
        self._times, self._seconds = array("d"), array("d")
        self._stride, self.done, self.time = 1, 0, 0.0
        for time in earlier:
            self.note(time, 0.0)
        self._begun = self.done

    def note(self, time: float, seconds: float) -> None:
        """Note a step.

        Parameters
        ----------
        time : float
            Its end. Steps noted before that lead there or beyond are forgotten: they are done anew.
        seconds : float
            Seconds of computing by this process so far, without those that it has compiled.
        """
        if time <= self.time:
            self._go_back(time)
        self.done, self.time = self.done + 1, time
        if self.done % self._stride == 0:
            self._times.append(time)
            self._seconds.append(seconds)
            if len(self._times) == MOST_MARKS:
                self._times, self._seconds, self._stride = self._times[1::2], self._seconds[1::2], 2 * self._stride

    def _go_back(self, time: float) -> None:
        while self._times and self._times[-1] >= time:
            del self._times[-1], self._seconds[-1]
        self.done = len(self._times) * self._stride
        self._begun = min(self._begun, self.done)

    @property
    def steps_left(self) -> float:
        """Number of steps to the end of the run; infinite before the first one."""
        if self.time >= self._end:
            return 0.0
        if self.done == 0 or self.time <= 0.0:
            return math.inf
        windows = [self._window(share) for share in WINDOWS]
        if min(windows) < 2:  # of two parts
            return self.done * (self._end / self.time - 1.0)
        found = [following_steps(*self._parts(window), self._end) for window in windows]
        return max(float(np.quantile(found, LOWER)) * self._stride - self.done % self._stride, 1.0)

    def _window(self, share: float) -> int:
        """Number of marks behind the first one of a window."""
        return min(max(round(share * self.done), LEAST_WINDOW) // self._stride, len(self._times) - 1)

    def _parts(self, window: int) -> tuple[FloatArray, tuple[int, int]]:
        """Times at the start, the middle and the end of a window, and the numbers of marks between them."""
        last = len(self._times) - 1
        places = (last - window, last - window // 2, last)
        return np.array([self._times[place] for place in places]), (window - window // 2, window // 2)

    @property
    def seconds_left(self) -> float:
        """Seconds of computing that those steps take, if they take what recent ones took; infinite if none has."""
        mine = self.done - self._begun
        last = len(self._times) - 1
        first = max(last - max(round(RECENT * mine) // self._stride, 1), -(-self._begun // self._stride) - 1)
        if self.steps_left == 0.0:
            return 0.0
        if first >= last:
            return math.inf
        before = self._seconds[first] if first >= 0 else 0.0
        return self.steps_left * (self._seconds[last] - before) / ((last - first) * self._stride)

    @property
    def share(self) -> float:
        """Part of all steps that is done, those that are left among them; between 0 and 1."""
        left = self.steps_left
        return self.done / (self.done + left) if left > 0.0 else 1.0


def following_steps(times: FloatArray, counts: tuple[int, int], end: float) -> float:
    """Number of steps from one time to another, for sizes that follow the power of time of the steps before.

    Parameters
    ----------
    times : array, shape (3,)
        Increasing positive times, the last of which the steps have reached.
    counts : tuple of int
        Numbers of steps between the first two and the last two of them.
    end : float
        Time that is to be reached.
    """
    early, middle, last = times

    def excess(exponent: float) -> float:
        """Steps of the first part beyond what those of the second one say; it falls with the exponent 1 - p."""
        first, second = power_integral(exponent, early / last, middle / last), power_integral(exponent, middle / last)
        return float(counts[1] * first - counts[0] * second)

    low, high = 0.0, 1.0
    if excess(high) >= 0.0:
        low = high
    elif excess(low) <= 0.0:
        high = low
    for _ in range(HALVINGS):
        middle_exponent = 0.5 * (low + high)
        low, high = (middle_exponent, high) if excess(middle_exponent) > 0.0 else (low, middle_exponent)
    exponent = 0.5 * (low + high)
    return sum(counts) * power_integral(exponent, 1.0, end / last) / power_integral(exponent, early / last)


def power_integral(exponent: float, start: float, end: float = 1.0) -> float:
    """Integral of s^(exponent - 1) from ``start`` to ``end``, which has the limit log(end / start) for 0."""
    if exponent == 0.0:
        return math.log(end / start)
    return start**exponent * math.expm1(exponent * math.log(end / start)) / exponent
