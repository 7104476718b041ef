"""Help that lists the kinds of things in registries, which are loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typer.core import TyperCommand


class KindsInHelp(TyperCommand):
    """A command whose arguments are kinds of problems and of domains."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, with all kinds that there are."""
        from wgflow.domains import DOMAINS
        from wgflow.problems.kinds.registry import KINDS

        kinds: dict[str | None, Mapping[str, Any]] = {"problem": KINDS, "domain": DOMAINS}
        for parameter in self.params:
            if parameter.name in kinds:
                *first, last = kinds[parameter.name]
                parameter.help = f"{', '.join(first)} or {last}."  # type: ignore[attr-defined]
        super().format_help(ctx, formatter)
