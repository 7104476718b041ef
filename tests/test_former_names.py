"""Names of version 0.1 still work, and warn."""

from __future__ import annotations

import pickle
import re
import sys
import warnings
from importlib import import_module

import pytest

from wgflow.former_names.tables import GONE, MODULES, NAMES, SPLIT

FORMER = ["schemes.explicit", "timeloop", "metrics.wasserstein", "functionals.neurons", "cli"]


@pytest.mark.parametrize("former", FORMER)
def test_former_modules_are_the_present_ones(former):
    with pytest.warns(DeprecationWarning) as told:
        found = import_module(f"wgflow.{former}")
    assert f"wgflow.{former} is called wgflow.{MODULES[former]} since version 0.2.0" in [
        str(warning.message) for warning in told
    ]
    present = import_module(f"wgflow.{MODULES[former]}")
    assert found is present
    assert present.__spec__.name == present.__name__


def present_name(place, former):
    module, _, name = place.partition(":")
    return f"wgflow.{module}", name or former


@pytest.mark.parametrize("former", NAMES)
def test_names_that_left_a_package_or_module(former):
    package, _, name = former.rpartition(".")
    place, present = present_name(NAMES[former], name)
    with pytest.warns(DeprecationWarning, match=rf"wgflow\.{former} is called {place}\.{present} since"):
        found = getattr(import_module(f"wgflow.{package}"), name)
    assert found is getattr(import_module(place), present)


@pytest.mark.parametrize("former", GONE)
def test_names_that_are_gone_say_what_does_their_work(former):
    package, _, name = former.rpartition(".")
    with pytest.raises(AttributeError, match=rf"wgflow\.{former} is gone since version 0\.2\.0: .*wgflow\.\w+") as told:
        getattr(import_module(f"wgflow.{package}"), name)
    place, _, present = re.search(r"wgflow\.[\w.]+", str(told.value).partition(": ")[2])[0].rpartition(".")
    assert callable(getattr(import_module(place), present))


def test_every_present_module_exists():
    for present in MODULES.values():
        import_module(f"wgflow.{present}")


@pytest.mark.parametrize("former", SPLIT)
def test_modules_whose_names_are_in_several_now(former):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the package that it was in
        module = import_module(f"wgflow.{former}")
    for name, value in SPLIT[former].items():
        place, present = present_name(value, name)
        with pytest.warns(DeprecationWarning, match=rf"wgflow\.{former}\.{name} is called {place}\.{present} since"):
            assert getattr(module, name) is getattr(import_module(place), present)
    with pytest.raises(AttributeError, match="had no public stop"):
        module.stop  # noqa: B018


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("former", sorted(SPLIT.keys() & MODULES))
def test_other_names_of_modules_that_were_split_are_in_the_present_one(former):
    present = import_module(f"wgflow.{MODULES[former]}")
    name = next(name for name in vars(present) if not name.startswith("_") and name not in SPLIT[former])
    assert getattr(import_module(f"wgflow.{former}"), name) is getattr(present, name)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("domains.icosphere", "SphereMesh"),
        ("functionals.maps", "Relu"),
        ("functionals.base", "Sum"),
        ("functionals.population", "Population"),
        ("problems.models.domains", "SphereSection"),
        ("problems.models.file", "ProblemFile"),
        ("problems.models.functionals", "TwoLayerProblem"),
        ("variational.control", "JkoOptions"),
    ],
)
def test_pickles_of_former_modules_are_read(module, name):
    """Protocol 0 names the class in plain text."""
    found = pickle.loads(f"cwgflow.{module}\n{name}\n.".encode())
    assert isinstance(found, type)


def test_whoever_looks_at_all_modules_is_not_warned():
    """As pytest, hypothesis and notebooks do; warnings are errors here."""
    with pytest.warns(DeprecationWarning, match="is called"):
        from wgflow.comparison import compare  # noqa: F401
    module = sys.modules["wgflow.comparison"]
    assert not hasattr(module, "__file__")
    assert not hasattr(module, "__wrapped__")
