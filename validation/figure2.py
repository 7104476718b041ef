"""Figure 2 of Bach and Chizat (2022): students of 5, 20, 100, 1000 and infinitely many neurons follow one teacher.

Gradient flow on the population risk in the plane, four teacher neurons, balanced starts with a = +-1 and |b| = 1, equal
rates for both layers. A neuron of size |a||b| and direction eta is drawn at tanh(|a||b|/2) eta; m = infinity is the
equation on the signed circle, drawn as densities around the circle. With --share the same for many random teachers, to
t = 10^4: the share of students that stay above risk 1e-4, by their width.

    python validation/figure2.py [--quick] [--share] [--figure PNG]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from wgflow import Circle, Observers, Particles, Population, Signed, Teacher, Trajectory, simulate, solve
from wgflow.plotting import save_figure
from wgflow.plotting.networks import draw_disk, draw_polar
from wgflow.plotting.sheets import find_line
from wgflow.plotting.style import styled_figure
from wgflow.schemes import Evolution
from wgflow.timeloop import Observer

TEACHER = Teacher.from_angles(np.array([0.5, 2.9, 4.9, 5.4]), np.array([1.0, -1.0, -1.0, 1.0]))
WIDTHS = (5, 20, 100, 1000)
GOOD_RISK, SHARE_END, TEACHERS = 1e-4, 1e4, 50


class GoodEnough(Exception):  # noqa: N818 - it ends a run and is no error
    """The risk of a run has fallen below the wanted one."""


def start_network(width: int, generator: np.random.Generator) -> Particles:
    """Balanced neurons with signs +1 or -1 and uniform directions, of total mass 1."""
    angles = generator.uniform(0.0, 2.0 * np.pi, width)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return Particles(points, np.full(width, 1.0 / width), generator.choice([-1.0, 1.0], width))


def follow_network(teacher: Teacher, start: Particles, t_end: float, watch: Sequence[Observer] = ()) -> Trajectory:
    """Gradient flow of a network; t = 0 and logarithmic times."""
    times = np.geomspace(1e-2, t_end, 100)
    circle = Signed(Circle(64))
    return simulate(
        Population(teacher), start, t_end, domain=circle, tolerance=1e-7, times=times, observers=Observers(step=watch)
    )


def follow_density(teacher: Teacher, cells: int, t_end: float, watch: Sequence[Observer] = ()) -> Trajectory:
    """The equation on the signed circle from the uniform probability measure."""
    domain = Signed(Circle(cells))
    uniform = np.full(domain.shape, 1.0 / (4.0 * np.pi))
    times = np.geomspace(1e-2, t_end, 100)
    return solve(Population(teacher), domain, uniform, t_end, times=times, observers=Observers(step=watch))


def stays_above(teacher: Teacher, start: Particles | None, t_end: float) -> bool:
    """Whether a run stays above the good risk."""

    def stop(evolution: Evolution) -> None:
        if evolution.energy < GOOD_RISK:
            raise GoodEnough

    try:
        if start is None:
            follow_density(teacher, 256, t_end, [stop])
        else:
            follow_network(teacher, start, t_end, [stop])
    except GoodEnough:
        return False
    return True


def print_shares(teachers: int, t_end: float) -> None:
    """Print the share of runs above the good risk, for random teachers and starts."""
    counts = dict.fromkeys(("5", "20", "100", "infinity"), 0)
    for seed in track(range(teachers), "random teachers", console=Console(stderr=True)):
        generator = np.random.default_rng(seed)
        angles, weights = generator.uniform(0.0, 2.0 * np.pi, 4), generator.choice([-1.0, 1.0], 4)
        teacher = Teacher.from_angles(angles, weights)
        for width in counts:
            start = None if width == "infinity" else start_network(int(width), generator)
            counts[width] += stays_above(teacher, start, t_end)
    print(f"share of {teachers} runs above risk {GOOD_RISK:g} at t = {t_end:g}:")
    for width, count in counts.items():
        print(f"  m = {width:8s}  {count / teachers:.2f}")


def draw(networks: dict[int, Trajectory], limit: Trajectory, path: Path) -> None:
    """Draw the disks of the networks, the densities of the limit, and all risks."""
    with styled_figure(5.0) as figure:
        for place, (width, network) in enumerate(networks.items(), start=1):
            axes, line = figure.add_subplot(2, 3, place), find_line(network)
            if line is not None:
                draw_disk(axes, network, TEACHER, line)
            axes.set_title(f"$m = {width}$, risk {network.risk[-1]:.1e}")
        polar, line = figure.add_subplot(2, 3, 5, projection="polar"), find_line(limit)
        if line is not None:
            draw_polar(polar, limit, TEACHER, line)
        polar.set_title(rf"$m = \infty$, risk {limit.risk[-1]:.1e}")
        for panel in figure.axes:
            panel.set_anchor("C")
            legend = panel.get_legend()
            if legend is not None:
                legend.remove()
        risks = figure.add_subplot(2, 3, 6)
        runs = {f"$m = {width}$": network for width, network in networks.items()} | {r"$m = \infty$": limit}
        for label, run in runs.items():
            risks.loglog(run.time[1:], run.risk[1:], label=label)
        risks.set_xlabel("time $t$")
        risks.set_title("risk $R$")
        risks.legend()
    save_figure(figure, path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the networks and the limit, print their risks and draw them; 0 if the limit learns the teacher."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="to t = 20, without the widest network")
    parser.add_argument("--share", action="store_true", help="also the shares over random teachers: minutes")
    parser.add_argument("--figure", type=Path, default=Path("figure2.png"), help="picture to write")
    options = parser.parse_args(arguments)
    t_end, widths = (20.0, WIDTHS[:-1]) if options.quick else (400.0, WIDTHS)
    networks = {
        width: follow_network(TEACHER, start_network(width, np.random.default_rng(1)), t_end) for width in widths
    }
    limit = follow_density(TEACHER, 512 if options.quick else 1024, t_end)
    print(f"risk at t = {t_end:g}")
    for width, network in networks.items():
        print(f"  m = {width:<8d}  {network.risk[-1]:.3e}")
    print(f"  m = infinity  {limit.risk[-1]:.3e}")
    draw(networks, limit, options.figure)
    print(f"figure      {options.figure}")
    if options.share:
        print_shares(4 if options.quick else TEACHERS, 100.0 if options.quick else SHARE_END)
    passed = limit.risk[-1] < 0.01 * limit.risk[0]
    print(f"{'PASS' if passed else 'FAIL'}  m = infinity learns the teacher")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
