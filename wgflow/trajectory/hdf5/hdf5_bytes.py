"""Bytes of an HDF5 file that is whole at every instant: appended to, and changed one page at a time.

A process can be killed between two writes and inside of each. The kernel copies a write into its pages one after the
other, each as a whole, and notices a kill only in between. So what lies behind the end that the superblock names may
be written in any way, and what readers see must change by writes that stay within one page.

A loss of power is another matter: what was written since the last sync may be on the disk or not, in any order. A
durable file syncs what it leads to before each write that leads there: what was appended before the end of the file
and the index, these before the pages that announce it.

References
----------
HDF5 File Format Specification 3.0: superblock (II.A), object headers of version 1 (IV.A.1), attributes (IV.A.2.m),
global heap (III.E).
"""

from __future__ import annotations

import errno
import io
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from wgflow.system.file_locks import sync as sync

PAGE = 4096
LARGE = 2**20  # bytes, from which what is appended is sent to the disk at once
FORMAT = b"\x89HDF\r\n\x1a\n\0"  # signature, and the version of the superblock
OPENED = 20  # place of the flags that the HDF5 library sets while it has a file open for writing
END_OF_FILE = 40  # address of the end in a superblock of version 0, which is 96 bytes long
ROOT_HEADER = 64  # address of the root group's object header
UNDEFINED = 2**64 - 1

DATASPACE, LAYOUT, ATTRIBUTE, CONTINUATION = 0x0001, 0x0008, 0x000C, 0x0010  # types of header messages
EXTENT = 8  # place of the first extent in a dataspace message of version 1
INDEX = 3  # place of the address of the chunk index in a layout message of version 3
ADDRESS = 2  # place of address and size of the values in such a message, where they lie in one piece

REFERENCE = struct.Struct("<IQI")  # to a string: length, address of its heap, number in it
HEAP_BYTES = 4096  # least size of a heap
STRING = 9  # class of datatypes of variable length


class Message(NamedTuple):
    """A message of an object header: its type, and where its content lies."""

    kind: int
    place: int
    size: int


@dataclass(frozen=True)
class Slot:
    """Where the value of an attribute lies: strings by a reference, numbers as they are."""

    place: int
    size: int
    is_string: bool
    is_real: bool


class RawFile:
    """An open HDF5 file in the format of superblock 0.

    Parameters
    ----------
    descriptor : int
        Descriptor open for reading, and for writing where that is wanted; it is closed with this object.
    durable : bool
        Whether the file is whole, and holds all that was committed and settled, after a loss of power too.

    Raises
    ------
    ValueError
        If the file is of another format.
    """

    def __init__(self, descriptor: int, *, durable: bool = False) -> None:
        self.descriptor, self.durable = descriptor, durable
        self._unsynced = False
        self._links: dict[int, bytes] = {}  # what a durable index is to lead to
        self._leads_to_nodes = False
        self._pages: dict[int, bytearray] = {}  # images of the pages in which something changed
        self._changed: set[int] = set()
        start = self.read(0, 96)
        if not start.startswith(FORMAT):
            raise ValueError("not an HDF5 file of superblock version 0")
        self.end = self._shown_end = self.number(END_OF_FILE)
        self.root = self.number(ROOT_HEADER)

    def read(self, place: int, size: int) -> bytes:
        """Read bytes of the file; raises ValueError where it is too short."""
        if not 0 <= place < 2**62:
            raise ValueError(f"an address is damaged: {place:#x}")
        if size > os.fstat(self.descriptor).st_size:  # do not ask for memory that cannot be filled
            raise ValueError(f"the file ends within the {size} bytes at {place}")
        content = os.pread(self.descriptor, size, place)
        if len(content) < size:
            raise ValueError(f"the file ends within the {size} bytes at {place}")
        return content

    def number(self, place: int) -> int:
        """Read an unsigned integer of eight bytes."""
        return int.from_bytes(self.read(place, 8), "little")

    def write(self, place: int, content: bytes | memoryview) -> None:
        """Write at once: what no reader sees yet, or words that cannot be torn."""
        view = memoryview(content).cast("B")
        self._renew(place, view)
        self._unsynced = True
        write_all(self.descriptor, view, place)

    def _renew(self, place: int, content: memoryview) -> None:
        """Put what is written into the images of pages too, which are written as a whole."""
        pages = range(place // PAGE, (place + len(content) - 1) // PAGE + 1)
        for page in pages if len(pages) == 1 else self._pages.keys() & pages:
            image = self._pages.get(page)
            if image is None:
                continue
            start = max(place, page * PAGE)
            end = min(place + len(content), page * PAGE + len(image))
            if start < end:
                image[start - page * PAGE : end - page * PAGE] = content[start - place : end - place]

    def allocate(self, *parts: bytes | memoryview) -> int:
        """Append bytes, at a multiple of eight; gives their address. Readers know of them after `commit`."""
        address = end = self.next_place
        for content in parts:
            self.write(end, content)
            end += len(content)
        self.claim(address, end - address)
        return address

    @property
    def next_place(self) -> int:
        """Where bytes may be appended."""
        return -(-self.end // 8) * 8

    def claim(self, place: int, size: int) -> None:
        """Let bytes that were written at a place be part of the file."""
        self.end = max(self.end, place + size)
        if size >= LARGE:
            self._send_to_disk()

    def stream(self, place: int) -> BinaryIO:
        """A stream that writes from a place on which no reader sees."""
        return cast(BinaryIO, _RawStream(self, place))

    def _send_to_disk(self) -> None:
        """Start to bring what was appended to the disk, and free the memory of what is there already.

        A run fills new memory otherwise, which on virtual machines costs several times as much as writing to it again.
        """
        if hasattr(os, "posix_fadvise"):  # not on macOS
            os.posix_fadvise(self.descriptor, 0, self.end, os.POSIX_FADV_DONTNEED)

    def extend(self) -> None:
        """Move the end that readers see behind all that was appended, before something that they see leads there."""
        if self.end != self._shown_end:
            self.write(END_OF_FILE, self.end.to_bytes(8, "little"))
            self._shown_end = self.end

    def link(self, place: int, content: bytes, *, to_node: bool = False) -> None:
        """Let the index lead to what was appended, a chunk or a node of its own.

        It does so at once, but in a durable file with the next `commit`, when what it leads to is on the disk.
        """
        if self.durable:
            self._links[place] = content
            self._leads_to_nodes |= to_node
            return
        self.extend()
        self.write(place, content)

    def settle(self) -> None:
        """Wait until all that was written is on the disk, if the file is durable."""
        if self.durable and self._unsynced:
            sync(self.descriptor)
            self._unsynced = False

    def patch(self, place: int, content: bytes) -> None:
        """Change bytes of what readers see with the next `commit`."""
        for page in range(place // PAGE, (place + len(content) - 1) // PAGE + 1):
            if page not in self._pages:
                size = min(PAGE, os.fstat(self.descriptor).st_size - page * PAGE)
                self._pages[page] = bytearray(self.read(page * PAGE, size))
            self._changed.add(page)
        self._renew(place, memoryview(content))

    def commit(self) -> None:
        """Write the pages that changed, each at once, after the end of the file and the index; the first page first."""
        self.settle()
        self.extend()
        if self._leads_to_nodes:
            self.settle()
        for place, content in self._links.items():
            self.write(place, content)
        pages = sorted(self._changed)
        if pages[:1] == [0] and len(pages) > 1:
            self._write_page(pages.pop(0))  # numbers and texts, which are to be there before what else is announced
        self.settle()
        for page in pages:
            self._write_page(page)
        self._links.clear()
        self._changed.clear()
        self._leads_to_nodes = False

    def _write_page(self, page: int) -> None:
        self.write(page * PAGE, bytes(self._pages[page]))

    def messages(self, header: int) -> Iterator[Message]:
        """Messages of the object header at an address."""
        version, _, count, _, size = struct.unpack("<BBHII", self.read(header, 12))
        if version != 1:
            raise ValueError(f"the object header at {header} is damaged")
        blocks = [(header + 16, size)]
        for place, length in blocks:  # grows on the way
            end = place + length
            while place + 8 <= end:
                if count == 0:
                    raise ValueError(f"the object header at {header} has more messages than it counts")
                count -= 1
                kind, size = struct.unpack("<HH", self.read(place, 4))
                if kind == CONTINUATION and len(blocks) < 100:
                    blocks.append((self.number(place + 8), self.number(place + 16)))
                yield Message(kind, place + 8, size)
                place += 8 + size

    def attributes(self) -> Mapping[str, Slot]:
        """Where the values of the root group's attributes lie; raises ValueError where they cannot."""
        try:
            return dict(self._attribute(message) for message in self.messages(self.root) if message.kind == ATTRIBUTE)
        except (IndexError, struct.error) as error:
            raise ValueError(f"an attribute ends before its parts do ({error})") from None

    def _attribute(self, message: Message) -> tuple[str, Slot]:
        content = self.read(message.place, message.size)
        _, _, name, datatype, dataspace = struct.unpack_from("<BBHHH", content)
        start = 8 + _padded(name)
        kind, value = content[start] & 0x0F, start + _padded(datatype) + _padded(dataspace)
        slot = Slot(message.place + value, message.size - value, kind == STRING, kind == 1)
        return content[8 : 8 + name - 1].decode("utf-8"), slot

    def set_strings(self, values: Mapping[int, str]) -> None:
        """Let the references at some places lead to new strings."""
        encoded = [text.encode("utf-8") for text in values.values()]
        objects = b"".join(
            struct.pack("<HHIQ", number, 1, 0, len(text)) + text.ljust(_padded(len(text)), b"\0")
            for number, text in enumerate(encoded, 1)
        )
        size = max(HEAP_BYTES, 16 + len(objects) + 16)
        free = struct.pack("<HHIQ", 0, 0, 0, size - 16 - len(objects))
        heap = b"GCOL\x01\0\0\0" + struct.pack("<Q", size) + objects + free
        address = self.allocate(heap.ljust(size, b"\0"))
        for number, (place, text) in enumerate(zip(values, encoded, strict=True), 1):
            self.patch(place, REFERENCE.pack(len(text), address, number))

    def close(self) -> None:
        """Close the descriptor, and with it give back its lock."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class _RawStream(io.RawIOBase):
    """A stream into a file from some place on."""

    def __init__(self, raw: RawFile, place: int) -> None:
        self._raw, self._place = raw, place
        self._position = self._end = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._end}[whence]
        return self._position

    def write(self, content: Any) -> int:
        view = memoryview(content).cast("B")
        self._raw.write(self._place + self._position, view)
        self._position += len(view)
        self._end = max(self._end, self._position)
        return len(view)


def write_all(descriptor: int, content: bytes | memoryview, place: int = 0) -> None:
    """Write bytes to a place of a file, however few the system takes at once; raises OSError if it takes none."""
    view = memoryview(content).cast("B")
    while view:
        done = os.pwrite(descriptor, view, place)
        if done == 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        view, place = view[done:], place + done


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk; raises OSError if they cannot be brought there."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _padded(size: int) -> int:
    return -(-size // 8) * 8
