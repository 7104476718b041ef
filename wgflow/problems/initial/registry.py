"""The kinds of [initial], and what is made of them: densities on a grid, and particles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, create_model

from wgflow.domains import Domain
from wgflow.domains.quadrature import cell_averages
from wgflow.measures import Particles, draw_particles
from wgflow.problems.initial.angular_gaussian import AngularGaussianInitial
from wgflow.problems.initial.balanced import BalancedInitial
from wgflow.problems.initial.base import InitialSection, Representation
from wgflow.problems.initial.file import FileInitial
from wgflow.problems.initial.gaussian import GaussianInitial
from wgflow.problems.initial.mixture import Mixture
from wgflow.problems.initial.python import PythonInitial
from wgflow.problems.initial.uniform import UniformInitial
from wgflow.problems.initial.von_mises_fisher import VonMisesFisherInitial
from wgflow.problems.sections import choice
from wgflow.registry import Registry
from wgflow.typing import FloatArray

_SINGLE: dict[str, type[InitialSection]] = {
    "uniform": UniformInitial,
    "angular_gaussian": AngularGaussianInitial,
    "gaussian": GaussianInitial,
    "balanced": BalancedInitial,
    "von_mises_fisher": VonMisesFisherInitial,
}
_CLOSED = [section for section in _SINGLE.values() if section.closed_form]

if TYPE_CHECKING:
    MixtureInitial = Mixture
    TargetSection = InitialSection
else:
    MixtureInitial = create_model(
        "MixtureInitial",
        __base__=Mixture,
        __module__=__name__,
        __doc__=Mixture.__doc__,
        components=(
            Annotated[list[choice(_CLOSED)], Field(min_length=1)],
            Field(description="tables of the other kinds, e.g. [[initial.components]] kind, mass, ..."),
        ),
    )
    TargetSection = choice([*_CLOSED, MixtureInitial])

INITIALS: Registry[type[InitialSection]] = Registry(
    "initial kind", {**_SINGLE, "mixture": MixtureInitial, "file": FileInitial, "python": PythonInitial}
)


def initial_averages(initial: InitialSection, domain: Domain, represent: Representation = cell_averages) -> FloatArray:
    """Cell averages of an initial measure, shape ``domain.shape``; on signed domains half on each sheet.

    Parameters
    ----------
    initial : section
        The section of the problem file.
    domain : Domain
        Where the measure lives.
    represent : callable
        `cell_averages`, or `point_values` for the high-order mode.

    Raises
    ------
    InputError
        If the measure does not live on the domain or has another dimension.
    """
    return initial.averages(domain, represent)


def initial_particles(
    initial: InitialSection, domain: Domain, count: int, method: str, density: FloatArray | None = None
) -> Particles:
    """Particles of an initial measure: of its closed form where there is one to draw from, else of its cell averages.

    Parameters
    ----------
    initial : section
        The section of the problem file.
    domain : Domain
        Where the measure lives.
    count : int
        Number of particles.
    method : str
        How they are drawn, see `wgflow.draw_particles`.
    density : array, optional
        The cell averages, where they are known.

    Raises
    ------
    InputError
        If the measure does not live on the domain, and as `wgflow.draw_particles` does.
    """
    drawn = initial.draw(domain, count, method)
    if drawn is not None:
        return drawn
    density = initial_averages(initial, domain) if density is None else density
    return draw_particles(domain, density, count, initial.seed, method)
