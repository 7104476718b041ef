"""Large meshes are kept on disk, with a checksum: a damaged file is noticed and the mesh built anew."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

from wgflow.domains.icosphere import LLOYD_ITERATIONS, build_mesh
from wgflow.domains.mesh import KEPT, VoronoiMesh
from wgflow.system.caching import cache_folder
from wgflow.system.drafts import replacing
from wgflow.system.stages import tell_stage

SMALLEST_CACHED_LEVEL = 7  # below, building takes less than a second
VERSION = 4  # of the way meshes are built


def cached_mesh(level: int) -> VoronoiMesh:
    """Mesh of a level, from disk if it was built before; small ones are kept in memory."""
    if level < SMALLEST_CACHED_LEVEL:
        return _small_mesh(level)
    tell_stage(f"mesh of the sphere, {10 * 4**level + 2} cells")
    path = _path(level)
    if path is None:
        return build_mesh(level)
    mesh = _read(path)
    if mesh is None:
        mesh = build_mesh(level)
        with suppress(OSError):  # a full or read-only disk costs time at the next run, nothing else
            _write(path, mesh)
    return mesh


@cache
def _small_mesh(level: int) -> VoronoiMesh:
    return build_mesh(level)


def is_cached(level: int) -> bool:
    """Whether the mesh of a level has been built before, or is so small that it does not matter."""
    path = _path(level)
    return level < SMALLEST_CACHED_LEVEL or (path is not None and path.is_file())


def _path(level: int) -> Path | None:
    folder = cache_folder()
    return None if folder is None else Path(folder) / "meshes" / f"icosphere-{level}-{LLOYD_ITERATIONS}-v{VERSION}.npz"


def _checksum(mesh: VoronoiMesh) -> str:
    digest = hashlib.sha256()
    for values in mesh.kept.values():
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _read(path: Path) -> VoronoiMesh | None:
    """The mesh in a file, or None if there is none or its checksum is wrong."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            mesh = VoronoiMesh(*(arrays[name] for name in KEPT))
            return mesh if str(arrays["checksum"]) == _checksum(mesh) else None
    except Exception:  # whatever is wrong with the file, the mesh is built anew
        return None


def _write(path: Path, mesh: VoronoiMesh) -> None:
    """Write to a file of another name and rename it, so that no reader sees half a mesh."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        np.savez(file, checksum=np.array(_checksum(mesh)), **mesh.kept)
