"""Tables of the kinds of one thing, by name, that packages of others may add to; and what entries say of themselves."""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple, TypeVar, overload

from wgflow.errors import FlowWarning, InputError
from wgflow.text import named, shown

Entry = TypeVar("Entry")
Default = TypeVar("Default")
REQUIRED: Any = ...


class Cited(NamedTuple):
    """A publication that an entry rests on: its key in ``references.bib`` or its BibTeX, and what it is for."""

    key: str
    why: str


@dataclass(frozen=True)
class Argument:
    """A key that the section of an entry has in problem files, for the argument of the same name.

    Parameters
    ----------
    type : type
        Of its values: bool, int, float, str, or a list of these.
    meaning : str
        What it means, in a few words.
    default : object
        Its default; ``REQUIRED`` where there is none.
    least, most : float, optional
        Smallest and largest number that is allowed.
    above : float, optional
        Number that values must exceed.
    example : object
        What a file to start from gives, where the key is required.
    """

    type: Any
    meaning: str
    default: Any = REQUIRED
    least: float | None = None
    most: float | None = None
    above: float | None = None
    example: Any = None


class Registry(Mapping[str, Entry]):
    """The kinds of one thing, by name and in order.

    Parameters
    ----------
    what : str
        What an error calls a name, e.g. "loss =".
    entries : mapping of str to entry
        Those of wgflow.
    group : str, optional
        Group of Python entry points by which packages add theirs. They are loaded when the registry is first read; one
        that cannot be is left out, with a `FlowWarning` that names its package.
    adopt : callable, optional
        Takes the name and the object of an entry point, and gives the entry; raises InputError where it is none.

    Examples
    --------
    >>> colours = Registry("colour", {"red": 1, "green": 2})
    >>> colours["gren"]
    Traceback (most recent call last):
    wgflow.errors.InputError: colour 'gren' is unknown; choose one of red, green (did you mean 'green'?)
    """

    def __init__(
        self,
        what: str,
        entries: Mapping[str, Entry],
        group: str | None = None,
        adopt: Callable[[str, Any], Entry] | None = None,
    ) -> None:
        self.what, self.group, self._own, self._adopt = what, group, dict(entries), adopt

    def __getitem__(self, name: str) -> Entry:
        """Entry of a name; raises InputError with those that there are."""
        if name not in self:
            raise InputError(
                f"{self.what} {shown(name)} is unknown; choose one of {', '.join(self)}{self._guess(name)}"
            )
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._entries

    @overload
    def get(self, name: str, /) -> Entry | None: ...
    @overload
    def get(self, name: str, /, default: Default) -> Entry | Default: ...
    def get(self, name: str, /, default: Any = None) -> Any:
        """Entry of a name, or the default."""
        return self._entries[name] if name in self else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def _guess(self, name: object) -> str:
        guesses = difflib.get_close_matches(name, self, n=1) if isinstance(name, str) else []
        return f" (did you mean {guesses[0]!r}?)" if guesses else ""

    @cached_property
    def _entries(self) -> Mapping[str, Entry]:
        """The entries of wgflow, then those of other packages."""
        entries = dict(self._own)
        for point in () if self.group is None else sorted(_entry_points(tuple(sys.path)).select(group=self.group)):
            try:
                entries[point.name] = self._load(point, entries)
            except Exception as error:  # of code by others, of which nothing is known
                package = point.dist.name if point.dist is not None else point.value
                warnings.warn(
                    f"{named(point.name)} ({self.group}) of the package {named(package)} is left out: "
                    f"{named(error, 200) or type(error).__name__}; update or remove the package",
                    FlowWarning,
                    stacklevel=3,
                )
        return entries

    def _load(self, point: EntryPoint, entries: Mapping[str, Entry]) -> Entry:
        """Entry of another package; raises InputError where its name is taken, and what loading it raises."""
        if point.name in entries:
            raise InputError(f"there is another {shown(point.name)}")
        loaded = point.load()
        return loaded if self._adopt is None else self._adopt(point.name, loaded)


@cache
def _entry_points(path: tuple[str, ...]) -> Any:  # noqa: ARG001
    """Entry points of all packages on a path: to look for them takes as long as loading a room of the library."""
    return entry_points()
