"""Arrays of .npz files that may be anything: damaged, encrypted, no archives at all, or made to fill the memory."""

from __future__ import annotations

import math
import tokenize
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from wgflow.errors import InputError
from wgflow.system.paths import kind_of
from wgflow.text import named, shown
from wgflow.typing import FloatArray

ENDING = ".npy"
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # which numpy.savez and numpy.savez_compressed use
MOST_ARRAYS = 10**4
LARGE, MOST_PACKED = 2**26, 50.0  # bytes of arrays that are always allowed; beyond, how much larger than the file
ENCRYPTED = 1  # flag of a member

# What damaged bytes make the libraries raise.
DAMAGE = (
    *(OSError, EOFError, LookupError, RuntimeError, ValueError, TypeError, AttributeError, SyntaxError),
    *(MemoryError, OverflowError, zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)


def read_arrays(path: Path, role: str) -> dict[str, FloatArray]:
    """Read all arrays of an .npz file as float64.

    Nothing is unpacked before the sizes in the archive are known to be sensible: they may be large where the file is.

    Parameters
    ----------
    path : Path
        The file.
    role : str
        What messages call it, path included, e.g. "data x.npz".

    Raises
    ------
    InputError
        If the file does not exist, is no whole archive of arrays of real numbers, or unpacks to far more than its size.
    """
    if kind_of(path, "data") != "file":
        raise InputError(f"{role} does not exist")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_sizes(members, path.stat().st_size)
            with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
                warnings.simplefilter("ignore")  # of headers that Python 2 wrote
                return {member.filename.removesuffix(ENDING): _read(archive, member) for member in members}
    except InputError as error:
        raise InputError(f"{role} {error}") from None
    except DAMAGE as error:
        if not zipfile.is_zipfile(path):
            raise InputError(f"{role} cannot be read: it is not an .npz file (numpy.savez writes them)") from None
        raise InputError(f"{role} cannot be read: {named(error) or type(error).__name__}") from None


def _check_sizes(members: list[zipfile.ZipInfo], size: int) -> None:
    """Raise InputError unless an archive of some size holds arrays of sensible sizes."""
    if len(members) > MOST_ARRAYS:
        raise InputError(f"holds {len(members)} arrays; allowed are {MOST_ARRAYS}")
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise InputError("holds two arrays of one name; give each its own")
    for member in members:
        name = shown(member.filename)
        if not member.filename.endswith(ENDING):
            raise InputError(f"holds {name}, which is no array; numpy.savez writes files of arrays alone")
        if member.flag_bits & ENCRYPTED:
            raise InputError(f"is encrypted ({name}); decrypt it first")
        if member.compress_type not in METHODS:
            raise InputError(f"holds {name} with an unknown compression; numpy.savez_compressed writes what is known")
    unpacked = sum(member.file_size for member in members)
    if unpacked > max(LARGE, MOST_PACKED * size):
        raise InputError(
            f"unpacks to {unpacked} bytes, {unpacked / size:.3g} times its size; allowed are {LARGE >> 20} MiB, or "
            f"{MOST_PACKED:g} times: save it uncompressed (numpy.savez)"
        )


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> FloatArray:
    """Read an array whose header says the same size as the archive."""
    name = shown(member.filename.removesuffix(ENDING))
    with archive.open(member) as file:
        shape, fortran_order, dtype, header = _read_header(file)
        if dtype.kind not in "fiub":
            raise InputError(f"holds the array {name} of type {named(dtype)}; allowed are real numbers")
        declared = math.prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or declared != member.file_size - header:
            raise InputError(
                f"is damaged: the array {name} should have the shape {named(shape)}, but holds "
                f"{member.file_size - header} bytes"
            )
        content = file.read()
        if len(content) != declared:
            raise InputError(f"is damaged: the array {name} is cut short")
    values: NDArray[Any] = np.frombuffer(content, dtype)
    return values.reshape(shape, order="F" if fortran_order else "C").astype(np.float64, order="C")


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, order and type of an array, and the number of bytes that say so."""
    version = npy.read_magic(file)
    if version not in {(1, 0), (2, 0)}:  # of the others are names of fields
        raise InputError(f"holds an array in the format {version}; allowed are (1, 0) and (2, 0)")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran_order, dtype = read(file)
    return shape, fortran_order, dtype, file.tell()
