"""What Sphinx learns for the handbook: pages from the code, mathematics without a network, names of the library.

Directives: ``problem-keys`` (arguments: a place such as ``domain``, and one of its kinds), ``commands``, ``results``
and ``all-results``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from docutils.utils.math import MathError, latex2mathml
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.math import get_node_equation_number

import wgflow
from wgflow.app.handbook import tables
from wgflow.app.handbook.markup import escape_bars

if TYPE_CHECKING:
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

_log = logging.getLogger(__name__)
PUBLIC = frozenset(dir(wgflow))
# Browsers without a mathematical font set bars apart from the letters beside, and dots into the letters below.
_BAR = ('<mo stretchy="false">|</mo>', '<mi mathvariant="normal">|</mi>')
_DOTTED = re.compile(r'<mover accent="true">\s*<mi>(.)</mi>\s*<mo stretchy="false">\u02d9</mo>\s*</mover>')
_VERT = re.compile(r"\\[lr]vert\b ?")
_FRACTION = re.compile(r"\\([td]?frac)\s*(\w)\s*(\w)")  # without braces, which docutils needs


class _Made(SphinxDirective):
    """A directive that stands for Markdown made from the code."""

    make: ClassVar[Callable[..., str]]
    optional_arguments = 2

    def run(self) -> list[nodes.Node]:
        """Parse what is made, headings included."""
        text = type(self).make(*self.arguments)
        parent = nodes.Element()
        parent.document = self.state.document
        self.state.nested_parse(StringList(text.splitlines()), self.content_offset, parent, match_titles=True)
        return parent.children


def _directive(function: Callable[..., str]) -> type[_Made]:
    return type("Made", (_Made,), {"make": staticmethod(function)})


def mathml(node: nodes.Element, *, block: bool) -> str:
    """Give the element of MathML for a formula in LaTeX; what docutils does not know is shown as it is, with a warning.

    Parameters
    ----------
    node : node of docutils
        The formula.
    block : bool
        Whether it stands for itself.

    Returns
    -------
    str
    """
    code = _VERT.sub("|", _FRACTION.sub(r"\\\1{\2}{\3}", node.astext().strip()))
    try:
        element = str(latex2mathml.tex2mathml(code, as_block=block)).replace(*_BAR)
    except MathError as error:
        _log.warning("formula %r: %s", code, error, location=node)
        return f"<code>{escape(code)}</code>"
    return _DOTTED.sub('<mi class="dotted">\\1\u0307</mi>', element)


def _visit_math(translator: Any, node: nodes.Element) -> None:
    translator.body.append(f'<span class="math">{mathml(node, block=False)}</span>')
    raise nodes.SkipNode


def _visit_block(translator: Any, node: nodes.Element) -> None:
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    if node["number"]:
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})</span>')
    translator.body.append(f"{mathml(node, block=True)}</div>\n")
    raise nodes.SkipNode


def _escape(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:  # noqa: ARG001
    lines[:] = escape_bars(lines)


def _resolve(
    app: Sphinx, environment: BuildEnvironment, reference: pending_xref, shown: nodes.TextElement
) -> nodes.Node | None:
    """Lead names as docstrings use them, such as `solve` or `Trajectory.save`, to the pages of public names."""
    if reference.get("refdomain") != "py":
        return None
    objects = environment.domains.python_domain.objects
    known = candidates(reference["reftarget"], reference.get("py:class"), objects)
    found = next((objects[name] for name in known if name in objects), None)
    return None if found is None else _link(app, reference["refdoc"], found.docname, found.node_id, shown)


def _link(app: Sphinx, source: str, target: str, anchor: str, shown: nodes.TextElement) -> nodes.reference:
    uri = app.builder.get_relative_uri(source, target)
    return nodes.reference("", "", shown, internal=True, refuri=f"{uri}#{anchor}" if anchor else uri)


def candidates(target: str, inside: str | None, objects: Iterable[str]) -> Iterator[str]:
    """Full names that a short one may stand for.

    These are names that end like it, if there is but one, public names and their attributes, and attributes of the
    class around, each also of a class that it inherits from.
    """
    short = target.lstrip("~.")
    alike = [name for name in objects if name.endswith(f".{short}")]
    if len(alike) == 1:
        yield alike[0]
    words = short.split(".")
    names = [".".join(["wgflow", *words[start:]]) for start in range(len(words)) if words[start] in PUBLIC]
    if inside is not None:
        names.append(f"wgflow.{inside.removeprefix('wgflow.')}.{words[-1]}")
    for name in names:
        yield from (name, *_inherited(name))


def _inherited(name: str) -> list[str]:
    """The same attribute of the public classes that a public class inherits from."""
    match = re.fullmatch(r"wgflow\.(\w+)\.(\w+)", name)
    owner = getattr(wgflow, match[1], None) if match else None
    bases = owner.__mro__[1:] if isinstance(owner, type) else ()
    return [f"wgflow.{base.__name__}.{match[2]}" for base in bases if match and base.__name__ in PUBLIC]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register all of it with Sphinx."""
    for name in ("problem-keys", "commands", "results", "all-results"):
        makers = {"problem-keys": tables.keys, "all-results": tables.all_results}
        app.add_directive(name, _directive(makers.get(name) or getattr(tables, name)))
    app.add_html_math_renderer("mathml", (_visit_math, None), (_visit_block, None))
    app.connect("autodoc-process-docstring", _escape, priority=400)  # before numpydoc
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
