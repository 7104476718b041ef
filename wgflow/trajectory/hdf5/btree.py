"""The index of the chunks of a growing variable: a B-tree to which entries are appended, readable at every instant.

An entry is written behind those that its node counts, then the count is raised; a full node is followed by a new one,
which its parent learns of in the same way. No reader can see half of an entry.

References
----------
HDF5 File Format Specification 3.0, III.A.1: B-trees of version 1, node type 1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from wgflow.trajectory.hdf5.hdf5_bytes import UNDEFINED, RawFile

CAPACITY = 64  # entries of a node: twice the default rank of trees of chunks
HEADER = struct.Struct("<4sBBHQQ")
LAST_ROW = 2**52  # behind all rows: the nodes above the leaves need not know how many there are
COUNT, RIGHT = 6, 16  # places of the number of entries and of the right sibling in the header


@dataclass(frozen=True)
class Chunk:
    """An entry of a node.

    Parameters
    ----------
    row, end : int
        First row, and the row behind the last one.
    address : int
        Where the chunk, or the node one level below, lies.
    size : int
        Bytes of the chunk as stored.
    mask : int
        Filters that were skipped.
    places : tuple of int
        Where the chunk begins along the other axes; empty for their beginnings.
    """

    row: int
    end: int
    address: int
    size: int = 0
    mask: int = 0
    places: tuple[int, ...] = ()


@dataclass
class _Node:
    address: int
    entries: int


class ChunkIndex:
    """The index of a variable whose chunks hold one row each, or a part of one, or rows of a table.

    Parameters
    ----------
    file : RawFile
        Where it lies.
    rank : int
        Number of axes.
    root : int
        Address of the root, `UNDEFINED` for none.
    rows : int
        Rows that count; entries behind them are taken out of the tree.
    """

    def __init__(self, file: RawFile, rank: int, root: int, rows: int) -> None:
        self._file = file
        self._key = struct.Struct(f"<II{rank + 1}Q")
        self._entry = self._key.size + 8
        self._path: list[_Node] = []  # the last node of each level, leaves first
        if root != UNDEFINED and rows > 0:
            self._descend(root, rows)

    @property
    def root(self) -> int:
        """Address of the root, `UNDEFINED` while there is no chunk."""
        return self._path[-1].address if self._path else UNDEFINED

    @property
    def last_chunk(self) -> int:
        """Address of the last chunk."""
        leaf = self._path[0]
        return self._file.number(self._place(leaf, leaf.entries) - 8)

    def append(self, chunk: Chunk) -> None:
        """Enter the chunk that follows all others, and lies in the file already."""
        self._insert(0, chunk)

    def _insert(self, level: int, chunk: Chunk) -> None:
        if level == len(self._path):
            earlier = [Chunk(0, chunk.row, self._path[-1].address)] if self._path else []
            self._path.append(self._create(level, [*earlier, chunk], UNDEFINED))
        elif self._path[level].entries == CAPACITY:
            full, node = self._path[level], self._create(level, [chunk], self._path[level].address)
            self._file.link(full.address + RIGHT, node.address.to_bytes(8, "little"), to_node=True)
            self._insert(level + 1, replace(chunk, address=node.address, size=0, mask=0))
            self._path[level] = node
        else:
            node = self._path[level]
            self._file.write(self._place(node, node.entries), self._pack([chunk], level))
            node.entries += 1
            self._file.link(node.address + COUNT, node.entries.to_bytes(2, "little"), to_node=level > 0)

    def _create(self, level: int, chunks: list[Chunk], left: int) -> _Node:
        header = HEADER.pack(b"TREE", 1, level, len(chunks), left, UNDEFINED)
        size = HEADER.size + CAPACITY * self._entry + self._key.size
        return _Node(self._file.allocate((header + self._pack(chunks, level)).ljust(size, b"\0")), len(chunks))

    def _pack(self, chunks: list[Chunk], level: int) -> bytes:
        """Keys and addresses, and the key of the row behind them."""
        end = chunks[-1].end if level == 0 else LAST_ROW
        rest = (0,) * ((self._key.size - 16) // 8)  # the other axes, and the bytes of a number
        entries = [
            self._key.pack(chunk.size, chunk.mask, chunk.row, *chunk.places, *rest[len(chunk.places) :])
            + chunk.address.to_bytes(8, "little")
            for chunk in chunks
        ]
        return b"".join(entries) + self._key.pack(0, 0, end, *rest)

    def _place(self, node: _Node, entry: int) -> int:
        return node.address + HEADER.size + entry * self._entry

    def _descend(self, address: int, rows: int) -> None:
        """Find the last nodes, and drop what lies behind the rows that count, parents first."""
        level = CAPACITY
        while level > 0:
            signature, _, below, entries, _, _ = HEADER.unpack(self._file.read(address, HEADER.size))
            if signature != b"TREE" or below >= level or not 0 < entries <= CAPACITY:
                raise ValueError(f"the index of chunks at {address} is damaged")
            node, level = _Node(address, entries), below
            while node.entries > 1 and self._row(node, node.entries - 1) >= rows:
                node.entries -= 1
            if node.entries < entries:
                self._file.write(address + COUNT, node.entries.to_bytes(2, "little"))
            if level > 0 and self._row(node, node.entries) != LAST_ROW:  # the library names the one that is last now
                self._file.write(self._place(node, node.entries) + 8, LAST_ROW.to_bytes(8, "little"))
            self._path.insert(0, node)
            address = self._file.number(self._place(node, node.entries) - 8)

    def _row(self, node: _Node, entry: int) -> int:
        return self._file.number(self._place(node, entry) + 8)
