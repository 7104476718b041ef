"""Exponential, logarithm, powers and inverse root without branches and calls, so that loops over them vectorise.

Each splits a number by its bits into a power of two and a rest near 1. Relative errors are below 2e-15.

References
----------
Muller (2016), Elementary Functions: Algorithms and Implementation, 3rd ed., Sections 4 and 11.
"""

from __future__ import annotations

import numpy as np

from wgflow.compilation import inlined_kernel
from wgflow.typing import FloatArray

ROUNDER = 1.5 * 2.0**52  # added to a number, it leaves the nearest integer in the last bits
ROUNDER_BITS = int(np.float64(ROUNDER).view(np.int64))
LOG_2, PER_OCTAVE = 0.6931471805599453, 1.4426950408889634  # and its inverse
OCTAVE, OCTAVE_REST = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # log 2; the first has 32 bits
LEAST_EXPONENT = -708.0
ROOT_OF_HALF_BITS = int(np.sqrt(np.float64(0.5)).view(np.int64))
ROOT_BITS = 0x5FE6EB50C7B537A9  # Lomont's: less half of the bits of a number, those of a first inverse root
ONE_BITS, MANTISSA = int(np.float64(1.0).view(np.int64)), 2**52 - 1
FOURTH_ROOT_BITS = 0x4FEB0BE0DED288CF  # the like for the inverse fourth root, best in the largest error
MIDDLE, TERMS, SERIES = 1.5, 20, 48  # of the numbers from 1 to 2; terms of the polynomial, and of the series for it
LEAST_SQUARE = 1e-300


@inlined_kernel
def exponential(x):
    """Exponential of a number that is at most 709: exp(-708) below -708."""
    x = LEAST_EXPONENT if x < LEAST_EXPONENT else x
    shifted = x * PER_OCTAVE + ROUNDER
    octaves = shifted - ROUNDER
    r = (x - octaves * OCTAVE) - octaves * OCTAVE_REST
    series = 2.7557268378684192e-06 + r * (2.7620138719733994e-07 + r * 2.5100424157005067e-08)
    series = 1.9841269863105968e-04 + r * (2.480152119021773e-05 + r * series)
    series = 8.333333333330051e-03 + r * (1.3888888917281794e-03 + r * series)
    series = 0.5 + r * (0.16666666666666669 + r * (4.166666666662399e-02 + r * series))
    value = np.float64(1.0 + r * (1.0 + r * series))
    return np.int64(value.view(np.int64) + (np.float64(shifted).view(np.int64) << 52)).view(np.float64)


@inlined_kernel
def logarithm_and_inverse(x):
    """Logarithm of a positive number that is no less than 2e-308, and 1 / x: both by one division.

    Among other work a division costs little: the processor has a unit of its own for them.
    """
    bits = np.float64(x).view(np.int64) - ROOT_OF_HALF_BITS
    m = np.int64((bits & MANTISSA) + ROOT_OF_HALF_BITS).view(np.float64)
    count = np.float64(bits >> 52)
    both = 1.0 / (x + x * m)
    s = (m - 1.0) * (x * both)
    z = s * s
    series = 0.22223371698571281 + z * (0.18123642074192706 + z * 0.16819827792002728)
    series = 0.666666666665872 + z * (0.40000000052274987 + z * (0.28571417129577675 + z * series))
    return count * LOG_2 + s * (2.0 + z * series), both + m * both


@inlined_kernel
def fitted_power(fit, x):
    """A power of a number x >= 0 from the numbers of `power_fit`; that of 0 is that of about 1e-308."""
    bits = np.float64(x).view(np.int64)
    m = np.int64((bits & MANTISSA) | ONE_BITS).view(np.float64) - MIDDLE
    square = m * m
    even, odd = fit[TERMS - 2], fit[TERMS - 1]  # two shorter chains of operations instead of one
    for k in range(TERMS - 4, -1, -2):
        even = even * square + fit[k]
        odd = odd * square + fit[k + 1]
    return (even + m * odd) * fit[np.uint64(bits >> 52) + np.uint64(TERMS)]


def power_fit(raised: float) -> FloatArray:
    """Numbers for the power ``raised - 1``: a polynomial for numbers from 1 to 2, and the powers of all powers of two.

    The exponent itself would be rounded, which counts where numbers are large or small.

    The polynomial is the binomial series around 3/2, whose high terms are replaced by the best ones of lower degree
    (economised); its relative error is below 1e-15 for ``raised`` from 0 to 3.
    """
    exponent, orders = raised - 1.0, np.arange(1, SERIES)
    series = np.concatenate([[1.0], np.cumprod((exponent - orders + 1.0) / (3.0 * orders))])
    for k in range(SERIES - 1, TERMS - 1, -1):
        series[: k + 1] -= series[k] * 0.5 ** (k - 1) * np.polynomial.chebyshev.cheb2poly([0.0] * k + [1.0])
    coefficients = MIDDLE**exponent * series[:TERMS] * 2.0 ** np.arange(TERMS)
    octaves = np.arange(-1023.0, 1024.0)
    leading = float(np.float32(exponent))  # its multiples are exact
    whole = np.round(leading * octaves)
    rest = leading * octaves - whole + (raised - (leading + 1.0)) * octaves
    with np.errstate(over="ignore", under="ignore"):
        powers = np.ldexp(np.exp2(rest), whole.astype(np.int64))
    return np.concatenate([coefficients, powers, [np.nan]])


@inlined_kernel
def inverse_fourth_root(x):
    """The number x^(-1/4), below 1e-300 that of 1e-300; first one of 3 %, steps of the fifth and third order."""
    x = LEAST_SQUARE if x < LEAST_SQUARE else x
    y = np.int64(FOURTH_ROOT_BITS - (np.float64(x).view(np.int64) >> 2)).view(np.float64)
    square = y * y
    gap = 1.0 - x * (square * square)
    y += y * gap * (0.25 + gap * (0.15625 + gap * (0.1171875 + gap * 0.09521484375)))
    square = y * y
    gap = 1.0 - x * (square * square)
    return y + y * gap * (0.25 + gap * 0.15625)


@inlined_kernel
def inverse_root(x):
    """The number 1 / sqrt(x), below 1e-300 that of 1e-300; first one of 4 %, steps of the fifth and third order."""
    x = LEAST_SQUARE if x < LEAST_SQUARE else x
    y = np.int64(ROOT_BITS - (np.float64(x).view(np.int64) >> 1)).view(np.float64)
    gap = 1.0 - x * (y * y)
    y += y * gap * (0.5 + gap * (0.375 + gap * (0.3125 + gap * 0.2734375)))
    gap = 1.0 - x * (y * y)
    return y + y * gap * (0.5 + gap * 0.375)
