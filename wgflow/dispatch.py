"""What a thing is on each kind of domain: a table for each kind of pair, not questions all over the code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from wgflow.errors import InputError

Entry = TypeVar("Entry")


class DomainTable(Generic[Entry]):
    """Entries by the class of an unsigned domain; a subclass has that of its nearest ancestor.

    Parameters
    ----------
    what : str
        What the entries are, for the message where there is none, e.g. "a finite-volume scheme".
    entries : mapping of type to entry
        By classes of domains; ``object`` stands for all others.

    Examples
    --------
    >>> from wgflow.domains import Box, Circle, Signed
    >>> table = DomainTable("a name", {Box: "straight", Circle: "round"})
    >>> table.on(Signed(Circle(8)))
    'round'
    """

    def __init__(self, what: str, entries: Mapping[type, Entry]) -> None:
        self.what = what
        self._entries = dict(entries)

    def get(self, domain: Any) -> Entry | None:
        """Entry of a domain, signed or not; None where there is none."""
        return self.of_class(type(domain.base))

    def of_class(self, kind: type) -> Entry | None:
        """Entry of a class of unsigned domains; None where there is none."""
        return next((self._entries[ancestor] for ancestor in kind.__mro__ if ancestor in self._entries), None)

    def on(self, domain: Any) -> Entry:
        """Entry of a domain, signed or not; raises InputError that names the domains which have one."""
        found = self.get(domain)
        if found is None:
            allowed = ", ".join(repr(kind) for kind in self.kinds())
            raise InputError(f"{self.what} is not available on the domain {domain.kind!r}; allowed are {allowed}")
        return found

    def kinds(self) -> Iterator[str]:
        """Kinds of the domains that have an entry."""
        return (str(getattr(domain, "kind", domain.__name__)) for domain in self._entries)
