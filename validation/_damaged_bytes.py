"""Random changes of the bytes of an HDF5 file."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Generator = np.random.Generator


def _flip_bits(content: bytearray, generator: Generator) -> None:
    for place in generator.integers(len(content), size=generator.integers(1, 20)):
        content[place] ^= 1 << int(generator.integers(8))


def _flip_metadata(content: bytearray, generator: Generator) -> None:
    for place in generator.integers(4096, size=generator.integers(1, 4)):
        content[place] ^= 1 << int(generator.integers(8))


def _cut(content: bytearray, generator: Generator) -> None:
    del content[generator.integers(len(content)) :]


def _zero(content: bytearray, generator: Generator) -> None:
    place = int(generator.integers(len(content)))
    size = min(int(generator.integers(1, 4096)), len(content) - place)
    content[place : place + size] = bytes(size)


def _strange_word(content: bytearray, generator: Generator) -> None:
    place = int(generator.integers(len(content) // 8 - 1)) * 8
    word = int(generator.choice([0, 2**31, 2**40, 2**62, place]))
    content[place : place + 8] = word.to_bytes(8, "little")


def _damage_index(content: bytearray, generator: Generator) -> None:
    """Change a word within an index of chunks, which no seal covers."""
    places = [place for place in range(len(content) - 4) if content[place : place + 4] == b"TREE"]
    place = int(generator.choice(places)) + 8 * int(generator.integers(12))
    words = [0, 1, 2**31, 2**64 - 1, *places]
    word = words[generator.integers(len(words))]
    content[place : place + 8] = word.to_bytes(8, "little")


BYTES: tuple[Callable[[bytearray, Generator], None], ...] = (
    _flip_bits,
    _flip_metadata,
    _cut,
    _zero,
    _strange_word,
    _damage_index,
)
