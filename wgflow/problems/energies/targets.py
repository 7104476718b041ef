"""The measures that discrepancies compare with."""

from __future__ import annotations

from wgflow.domains.quadrature import cell_averages, point_values
from wgflow.errors import InputError
from wgflow.problems.initial.base import InitialSection
from wgflow.problems.problem_setting import ProblemSetting
from wgflow.typing import FloatArray

TARGET = "the measure nu: a table like [initial], of closed form"


def target_density(target: InitialSection, setting: ProblemSetting) -> FloatArray:
    """Density of a target as the solver sees densities; raises InputError if it does not live on the domain."""
    represent = point_values if setting.options.pointwise else cell_averages
    try:
        return target.averages(setting.domain.base, represent)
    except InputError as error:
        raise type(error)(str(error).replace("[initial]", "[problem] target:")) from None
