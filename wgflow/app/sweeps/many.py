"""Any number of trajectory files as one labelled dataset."""

from __future__ import annotations

from collections.abc import Iterable
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wgflow.errors import InputError, MissingExtraError
from wgflow.trajectory.scalars import read_scalars
from wgflow.trajectory.schema import SCALARS

if TYPE_CHECKING:
    import xarray


def open_many(files: str | Path | Iterable[str | Path]) -> xarray.Dataset:
    """Read the scalars of many trajectories into one dataset.

    Parameters
    ----------
    files : str, path or iterable of paths
        A pattern such as ``"runs/*.h5"``, or the files.

    Returns
    -------
    xarray.Dataset
        Dimensions ``run``, labelled with the names of the files in their order (sorted for a pattern), and ``time``,
        all output times that any run has. Variables are the scalars of trajectories (``risk``, ``mass``, ...), nan
        where a run has no such time, and the ``status`` of each run.

    Raises
    ------
    InputError
        If no file is found, or one is not a readable trajectory.
    MissingExtraError
        If xarray is not installed; it comes with the extra ``xarray``.

    See Also
    --------
    open_sweep : the runs of ``wgflow sweep``, with the values of its keys as labels.

    Examples
    --------
    >>> import tempfile
    >>> problem = wgflow.open_problem("quadratic", ["domain.cells=16", "output.snapshots=3"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = wgflow.run(problem).save(f"{folder}/first.h5")
    ...     runs = wgflow.open_many(f"{folder}/*.h5")
    >>> runs.risk.dims, runs.risk.shape
    (('run', 'time'), (1, 3))
    >>> wgflow.open_many("runs/*.h5").risk.plot.line(x="time")  # doctest: +SKIP
    """
    try:
        import xarray
    except ImportError:
        raise MissingExtraError("xarray", "xarray", "open_many") from None
    # A pattern may be absolute, which Path.glob does not take.
    paths = sorted(glob(str(files))) if isinstance(files, str | Path) else [str(path) for path in files]  # noqa: PTH207
    if not paths:
        raise InputError(f"no file is found for {str(files)!r}; give a pattern such as 'runs/*.h5', or a list of files")
    runs = [read_scalars(Path(path)) for path in paths]
    times = np.unique(np.concatenate([run.time for run in runs]))
    variables: dict[str, Any] = {"status": ("run", [run.status for run in runs], {"long_name": "how the run ended"})}
    labels = runs[0].labels
    for name in SCALARS:
        values = np.full((len(runs), times.size), np.nan)
        for row, run in zip(values, runs, strict=True):
            row[np.searchsorted(times, run.time)] = run.scalars[name]
        variables[name] = (("run", "time"), values, labels.of(name).described)
    time = ("time", times, labels.time.described)
    return xarray.Dataset(variables, {"run": paths, "time": time})
