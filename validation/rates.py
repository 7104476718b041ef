r"""Rates at which kernel discrepancies fall: measured exponents beside the finite linear sum and the theory.

The flow of half a squared distance in a Sobolev space of negative order s, near a uniform target in dimension d, from a
start whose modes are :math:`|u_k|^2 \sim k^{-p}`, falls as :math:`F \sim t^{-(2 s + p - d) / (2 s - 2)}`: a mode k
decays at the rate :math:`\rho k^{2 - 2 s}`, and those above :math:`k \sim t^{1 / (2 s - 2)}` are left at a time. The
risk of ReLU neurons is such a discrepancy with s = (d + 3) / 2, of even modes; with its reaction, a start of r
derivatives falls as :math:`t^{-(2 + r)}` on the circle.

All modes have fixed moduli and random phases, so that exponents do not depend on luck, and a small amplitude, so
that the flow is the linear one up to a few percent. Exponents are fitted in the window of times in which the modes of a
range decay; the linear sum over the modes of the grid, in the same window, tells what of a difference to the theory is
due to the finite range.

References
----------
Bach and Chizat (2022), Section 4; the rate is that of the linear equation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

import wgflow
from wgflow import Circle, KernelDiscrepancy, SobolevDiscrepancy, Sphere, ZonalInteraction
from wgflow.app.validation import Row, Setting, between, measured, within
from wgflow.domains import Domain
from wgflow.functionals import Functional
from wgflow.plotting import save_figure
from wgflow.plotting.style import BLACK, CURVES, GREY, ORANGE, VERMILLION, styled_figure
from wgflow.typing import FloatArray

AMPLITUDE = 0.03  # largest deviation from the uniform density, relative
TIMES = 24  # of a window
REACTION = 4.0


@dataclass(frozen=True)
class Case:
    """A flow whose rate is measured.

    Attributes
    ----------
    name : str
        What it is called.
    functional : Functional
        Half the squared distance to the uniform target.
    domain : Domain
        Where it lives.
    start : array, shape ``domain.shape``
        Density at time 0.
    rates, energies : arrays, shape (n,)
        Decay rate of each mode, and its part of F at the start.
    window : (float, float)
        First and last time of the fit.
    theory : float
        The exponent of the theory.
    reaction : float
        The factor beta.
    energy_of : callable, optional
        F of densities (k, *shape), where that of the run is the difference of larger numbers.
    """

    name: str
    functional: Functional
    domain: Domain
    start: FloatArray
    rates: FloatArray
    energies: FloatArray
    window: tuple[float, float]
    theory: float
    reaction: float = 0.0
    energy_of: Callable[[FloatArray], FloatArray] | None = None

    @property
    def times(self) -> FloatArray:
        """Times of the fit."""
        return np.geomspace(*self.window, TIMES)

    def linear(self) -> FloatArray:
        """F of the linear equation at these times, a finite sum."""
        return np.exp(-2.0 * np.outer(self.times, self.rates)) @ self.energies

    def measured(self) -> FloatArray:
        """F of the flow at these times."""
        end, times = self.window[1], self.times
        flow = wgflow.solve(self.functional, self.domain, self.start, end, reaction=self.reaction, times=times)
        return flow.energy[1:] if self.energy_of is None else self.energy_of(flow.density[1:])


def exponent(times: FloatArray, values: FloatArray) -> float:
    """Slope of the logarithms."""
    return float(np.polyfit(np.log(times), np.log(values), 1)[0])


def waves_on_circle(circle: Circle, moduli: FloatArray, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Sum of cosines of frequencies 1, 2, ... with random phases, scaled, and the amplitude of each."""
    phases = 2.0 * np.pi * np.random.default_rng(seed).random(moduli.size)
    spectrum = np.zeros(circle.cells // 2 + 1, dtype=np.complex128)
    spectrum[1 : moduli.size + 1] = 0.5 * circle.cells * moduli * np.exp(1j * phases)
    waves = np.fft.irfft(spectrum, circle.cells)
    scale = AMPLITUDE / np.abs(waves).max()
    return scale * waves, scale * moduli


def sobolev_on_circle(order: float, power: float, cells: int, modes: tuple[int, int]) -> Case:
    """Discrepancy in H^{-s} of measures of mass 1."""
    circle, frequencies = Circle(cells), np.arange(1.0, cells // 2)
    density = 0.5 / np.pi
    waves, amplitudes = waves_on_circle(circle, frequencies ** (-0.5 * power))
    energies = 0.5 * np.pi * (density * amplitudes) ** 2 * frequencies ** (-2.0 * order)
    rates = density * frequencies ** (2.0 - 2.0 * order)
    window = tuple(2.0 * np.pi * k ** (2.0 * order - 2.0) for k in modes)
    target = np.full(cells, density)
    return Case(
        f"circle, s = {order:g}, p = {power:g}",
        SobolevDiscrepancy(target, order),
        circle,
        density * (1.0 + waves),
        rates,
        energies,
        (window[0], window[1]),
        -(2.0 * order + power - 1.0) / (2.0 * order - 2.0),
    )


def arc_cosine(cosine: FloatArray) -> FloatArray:
    """The kernel of ReLU neurons at unit vectors."""
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    return (np.sin(angle) + (np.pi - angle) * cosine) / (2.0 * np.pi)


def neurons_on_circle(smoothness: float, cells: int, modes: tuple[int, int]) -> Case:
    """Risk of ReLU neurons with reaction, against uniformly many of mass 1; even modes of r derivatives."""
    circle, density = Circle(cells), 0.5 / np.pi
    frequencies = np.arange(1.0, cells // 4)
    even = frequencies % 2.0 == 0.0
    moduli = np.where(even, frequencies ** (-0.5 - smoothness), 0.0)
    waves, amplitudes = waves_on_circle(circle, moduli)
    angles = circle.spacing * np.arange(cells)
    spectrum = np.abs(circle.spacing * np.fft.rfft(arc_cosine(np.cos(angles))).real)
    eigenvalues = spectrum[1 : cells // 4]
    rates = density * (frequencies**2 + REACTION) * eigenvalues
    energies = 0.5 * np.pi * (density * amplitudes) ** 2 * eigenvalues
    window = [1.0 / rates[k - 1] for k in modes]

    def energy_of(densities: FloatArray) -> FloatArray:
        modes = np.abs(np.fft.rfft(densities - density, axis=1)) ** 2 / cells**2
        return np.asarray(2.0 * np.pi * (modes @ spectrum - 0.5 * modes[:, 0] * spectrum[0]))

    functional = KernelDiscrepancy(ZonalInteraction(arc_cosine), np.full(cells, density))
    return Case(
        f"circle, neurons with reaction, r = {smoothness:g}",
        functional,
        circle,
        density * (1.0 + waves),
        rates,
        energies,
        (window[0], window[1]),
        -(2.0 + smoothness),
        REACTION,
        energy_of,
    )


def sobolev_on_sphere(order: float, power: float, cells: int, largest: int) -> Case:
    """Discrepancy in H^{-s} of measures of mass 1 on S^2, with degrees that the cells resolve."""
    import ducc0

    sphere, density = Sphere(cells), 0.25 / np.pi
    degrees = np.arange(1.0, largest + 1.0)
    generator, last = np.random.default_rng(0), largest // 3
    count = (largest + 1) * (largest + 2) // 2
    harmonics = np.zeros((1, count), dtype=np.complex128)
    place = 0
    for m in range(largest + 1):
        below = np.arange(max(m, 0), largest + 1)
        moduli = np.where(below > 0, np.maximum(below, 1.0) ** (-0.5 * power), 0.0)
        phases = np.exp(2j * np.pi * generator.random(below.size))
        signs = np.sign(phases.real)
        harmonics[0, place : place + below.size] = moduli * (signs if m == 0 else phases / np.sqrt(2.0) * np.sqrt(2.0))
        place += below.size
    x, y, z = sphere.points.T
    places = np.stack([np.arctan2(np.hypot(x, y), z), np.mod(np.arctan2(y, x), 2.0 * np.pi)], axis=1)
    waves = ducc0.sht.synthesis_general(alm=harmonics, spin=0, lmax=largest, loc=places, epsilon=1e-12, nthreads=1)[0]
    scale = AMPLITUDE / np.abs(waves).max()
    eigenvalue = degrees * (degrees + 1.0)
    energies = 0.5 * (density * scale) ** 2 * (2.0 * degrees + 1.0) * degrees**-power * eigenvalue**-order
    rates = density * eigenvalue ** (1.0 - order)
    first = 0.5 * (4.0 + last)
    window = (4.0 * np.pi * first ** (2.0 * order - 2.0), 4.0 * np.pi * last ** (2.0 * order - 2.0))
    kernel = ZonalInteraction(zonal_sobolev(order, int(np.sqrt(sphere.cells))))
    functional = KernelDiscrepancy(kernel, np.full(sphere.cells, density))
    return Case(
        f"sphere, s = {order:g}, p = {power:g}",
        functional,
        sphere,
        density * (1.0 + scale * waves),
        rates,
        energies,
        window,
        -(2.0 * order + power - 2.0) / (2.0 * order - 2.0),
    )


def zonal_sobolev(order: float, largest: int) -> Callable[[FloatArray], FloatArray]:
    """Kernel on S^2 of the inverse of the Laplacian to the power s, up to a degree."""
    degrees = np.arange(largest + 1.0)
    series = np.zeros(largest + 1)
    series[1:] = (2.0 * degrees[1:] + 1.0) / (4.0 * np.pi) * (degrees[1:] * (degrees[1:] + 1.0)) ** -order
    return lambda cosine: np.asarray(np.polynomial.legendre.legval(cosine, series), dtype=np.float64)


def cases(*, quick: bool) -> Iterator[tuple[Case, float | None, float]]:
    """All flows, each with what its exponent may differ from the theory by, if told, and from the linear sum."""
    cells, modes = (1024, (8, 32)) if quick else (4096, (8, 64))
    allowed = 0.1 if quick else 0.06
    for order, power in ((2.0, 2.0), (2.0, 4.0), (1.5, 2.0), (1.5, 3.0)):
        yield sobolev_on_circle(order, power, cells, modes), allowed, 0.05
    for smoothness in (0.5, 1.0, 1.5):
        yield neurons_on_circle(smoothness, cells, (16, 64) if quick else (32, 128)), allowed, 0.05
    for order, power in ((2.0, 3.0), (2.0, 4.0), (1.5, 3.0)):
        sphere = (2562, 25) if quick else (40962, 50)
        yield sobolev_on_sphere(order, power, *sphere), None, 0.05 if quick else 0.02


def validate(setting: Setting) -> Iterator[Row]:
    """Measure all exponents, and draw the distances over time."""
    curves: list[tuple[Case, FloatArray]] = []
    for case, by_theory, by_sum in cases(quick=setting.quick):
        values = case.measured()
        curves.append((case, values))
        found, linear = exponent(case.times, values), exponent(case.times, case.linear())
        window = f"t = {case.window[0]:.3g} to {case.window[1]:.3g}; linear sum {linear:.3f}"
        what = f"{case.name}: exponent of t in F"
        if by_theory is None:
            yield measured(what, found, f"{window}; theory {case.theory:g}").quote()
        else:
            yield between(what, found, case.theory - by_theory, case.theory + by_theory, window).quote()
        yield within(f"{case.name}: exponent less that of the linear sum", found - linear, by_sum)
    draw(curves, setting)


def draw(curves: list[tuple[Case, FloatArray]], setting: Setting) -> None:
    """Distances over the width of the window, with the linear sums and the slopes of the theory."""
    kinds = ("circle, s", "circle, neurons", "sphere, s")
    titles = ("Kernel discrepancies on the circle", "Neurons with reaction, circle", "Kernel discrepancies, sphere")
    with styled_figure(3.6) as figure:
        for axes, kind, title in zip(figure.subplots(1, 3), kinds, titles, strict=True):
            colors = (BLACK, ORANGE, VERMILLION, *CURVES)
            shown = [(case, values) for case, values in curves if case.name.startswith(kind)]
            for (case, values), color in zip(shown, colors, strict=False):
                start, time = case.energies.sum(), case.times / case.window[0]
                name = case.name.partition(", ")[2].removeprefix("neurons with reaction, ")
                axes.loglog(time, case.linear() / start, color=color, linewidth=0.8)
                axes.loglog(time, values / start, "o", color=color, markersize=3.5, label=name)
                theory = values[-1] / start * (time / time[-1]) ** case.theory
                axes.loglog(time, theory, color=GREY, linewidth=0.8, linestyle=":")
            axes.set_title(title)
            axes.set_xlabel("time over the first of the window")
            if shown:
                axes.legend(fontsize=8)
        figure.axes[0].set_ylabel(r"$F(\mu_t) / F(\mu_0)$ (lines: linear sum; dotted: theory)")
    save_figure(figure, setting.file())
