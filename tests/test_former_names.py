"""Names of version 0.1 still work, and warn."""

from __future__ import annotations

from importlib import import_module

import pytest

from wgflow.former_names import MODULES, NAMES, SPLIT

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


@pytest.mark.parametrize("former", NAMES)
def test_names_that_left_a_package(former):
    package, _, name = former.rpartition(".")
    module, _, other = NAMES[former].partition(":")
    with pytest.warns(DeprecationWarning, match=rf"wgflow\.{former} is called wgflow\.{module}\.{other or name}"):
        found = getattr(import_module(f"wgflow.{package}"), name)
    assert found is getattr(import_module(f"wgflow.{module}"), other or name)


def test_every_present_module_exists():
    for present in MODULES.values():
        import_module(f"wgflow.{present}")


@pytest.mark.parametrize("former", SPLIT)
def test_modules_whose_names_are_in_several_now(former):
    module = import_module(f"wgflow.{former}")
    for name, place in SPLIT[former].items():
        with pytest.warns(DeprecationWarning, match=rf"wgflow\.{former}\.{name} is called wgflow\.{place}\.{name}"):
            assert getattr(module, name) is getattr(import_module(f"wgflow.{place}"), name)
    with pytest.raises(AttributeError, match="had no public stop"):
        module.stop  # noqa: B018
