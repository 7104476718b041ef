"""A trajectory in memory: what a run returns and what a file is read into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

import numpy as np

from wgflow.domains import Domain
from wgflow.errors import InputError, OutputError
from wgflow.flows import Checkpoint, Snapshot
from wgflow.flows.labels import FLOW_LABELS, Labels
from wgflow.functionals import Features, Functional
from wgflow.measures import Particles
from wgflow.text import shown
from wgflow.trajectory.handed_on import handed_on_to
from wgflow.trajectory.lazy_field import StoredField
from wgflow.trajectory.named_outputs import NamedOutputs
from wgflow.trajectory.schema import INTERRUPTED_AT
from wgflow.typing import FloatArray

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

    from wgflow.problems import Problem
    from wgflow.trajectory.prediction import Inputs


@dataclass(frozen=True, repr=False)
class Trajectory(NamedOutputs):
    """The states of a flow at T output times.

    Parameters
    ----------
    time : array, shape (T,)
        Output times; 0 first.
    scalars : mapping of str to array, shape (T,)
        ``step_size``, ``energy``, ``risk``, ``mass`` and ``min_potential``.
    fields : mapping of str to array, shape (T, ...)
        ``density`` of grid runs; ``position`` and ``weight`` of particle runs; all of them for characteristics;
        ``log_mass``, ``margin``, ``scaled_log_time`` and ``multipliers`` beside the density of normalised runs;
        ``estimated_error`` and ``observed_order`` where errors were estimated, see ``errors`` and ``orders``. Those
        of files read single snapshots when they are asked for, see `wgflow.trajectory.lazy_field.StoredField`.
    domain : Domain or None
        Where the measure lives.
    sign : array, shape (m,), or None
        Sign of each particle.
    functional : Functional or None
        F, where it is known; files written by a problem file carry what rebuilds it.
    attributes : mapping
        Problem text, version, status, counts of steps and timings.
    steps : mapping of str to array, shape (n,)
        What each of the n accepted steps gave: ``time``, ``step_size``, ``energy``, ``dissipation``, ``risk``, ``mass``
        and ``min_potential``. Stochastic descent knows risk and J at outputs alone; elsewhere they are NaN.
    labels : Labels
        What ``time``, the scalars and the columns of ``steps`` are, as the solver says: names, symbols and units.
    problem : Problem or None
        The problem of a run that came from a problem file or a dictionary, data included, as `wgflow.open_problem`
        gives it; None for runs of objects from Python (`wgflow.solve`, `wgflow.simulate`, ...), and where
        `wgflow.load` was given a functional.
    checkpoint : Checkpoint or None
        What a run in memory would go on from, for the file that `save` writes.

    Examples
    --------
    >>> flow = wgflow.solve(wgflow.Quadratic(np.eye(2)), wgflow.Circle(16), np.ones(16), 1.0, times=[0.5])
    >>> flow
    Trajectory(Circle(cells=16), 3 times to 1, density (3, 16), complete)
    >>> flow.time, flow.energy.round(2), flow.density[-1].shape
    (array([0. , 0.5, 1. ]), array([4.59, 0.01, 0.  ]), (16,))
    """

    time: FloatArray
    scalars: Mapping[str, FloatArray]
    fields: Mapping[str, FloatArray] = field(repr=False)
    domain: Domain | None
    sign: FloatArray | None = field(default=None, repr=False)
    functional: Functional | None = field(default=None, repr=False)
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    steps: Mapping[str, FloatArray] = field(default_factory=dict, repr=False)
    labels: Labels = field(default=FLOW_LABELS, repr=False)
    problem: Problem | None = field(default=None, repr=False)
    checkpoint: Checkpoint | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        """One line: domain, times, fields and status."""
        fields = ", ".join(f"{name} {values.shape}" for name, values in self.fields.items())
        return f"Trajectory({self.domain}, {len(self.time)} times to {self.time[-1]:g}, {fields}, {self.status})"

    def __len__(self) -> int:
        """Number of outputs."""
        return len(self.time)

    def __iter__(self) -> Iterator[Snapshot]:
        """Snapshots one after another; those of files are read when it is their turn."""
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, key: SupportsIndex) -> Snapshot: ...

    @overload
    def __getitem__(self, key: slice) -> Trajectory: ...

    def __getitem__(self, key: SupportsIndex | slice) -> Snapshot | Trajectory:
        """Snapshot at an output, or trajectory of several; fields of files are not read for it.

        Parameters
        ----------
        key : int or slice
            Numbers of outputs, of which negative ones count from the end: ``trajectory[-1]``, ``trajectory[::10]``.

        Returns
        -------
        Snapshot or Trajectory
            The steps of a trajectory are those between its first and last output.

        Raises
        ------
        OutputError
            If there is no such output; it is an IndexError, too.
        InputError
            If the key is no number, or a slice is empty or runs backwards.

        Examples
        --------
        >>> import numpy as np
        >>> import wgflow
        >>> flow = wgflow.solve(wgflow.Quadratic(np.eye(2)), wgflow.Circle(16), lambda x: np.ones(x.shape[:-1]), 1.0)
        >>> flow[-1].fields["density"].shape, flow[::10].density.shape
        ((16,), (11, 16))
        """
        if isinstance(key, slice):
            return self._part(range(len(self))[key])
        index = self._output(key)
        scalars = {name: float(values[index]) for name, values in self.scalars.items()}
        return Snapshot(
            float(self.time[index]), **scalars, fields={name: values[index] for name, values in self.fields.items()}
        )

    def _output(self, key: SupportsIndex) -> int:
        """Number of an output, counted from the start; raises InputError where there is none of that number."""
        try:
            return range(len(self))[key]
        except IndexError:
            last = len(self) - 1
            raise OutputError(
                f"output {shown(key)} does not exist; there are {len(self)}, from 0 to {last} (or -1 to -{last + 1} "
                "from the end): trajectory.time has their times, trajectory.between(start, end) those between two times"
            ) from None
        except TypeError:
            known = ", ".join((*self.scalars, *self.fields))
            raise InputError(
                f"trajectory[{shown(key)}] is not allowed; give the number of an output, or a slice of numbers. "
                f"trajectory.scalars and trajectory.fields have names: {known}"
            ) from None

    def between(self, start: float, end: float) -> Trajectory:
        """Trajectory of the outputs from one time to another, both included; fields of files are not read for it.

        Parameters
        ----------
        start, end : float
            Times; they need not be output times.

        Raises
        ------
        InputError
            If there is no output between them.
        """
        first, behind = np.searchsorted(self.time, start, side="left"), np.searchsorted(self.time, end, side="right")
        if not first < behind:
            raise InputError(f"there is no output from t = {start:g} to {end:g}; they go from 0 to {self.time[-1]:g}")
        return self._part(range(int(first), int(behind)))

    def _part(self, chosen: range) -> Trajectory:
        """Trajectory of some outputs."""
        if len(chosen) == 0 or chosen.step < 0:
            raise InputError("a part of a trajectory needs one output at least, and increasing times")
        rows = slice(chosen.start, chosen.stop, chosen.step)
        time = self.time[rows]
        noted = self.steps.get("time", np.empty(0))
        kept = (noted > time[0]) & (noted <= time[-1])
        return replace(
            self,
            time=time,
            scalars={name: values[rows] for name, values in self.scalars.items()},
            fields={name: _rows_of(values, rows) for name, values in self.fields.items()},
            steps={name: values[kept] for name, values in self.steps.items()},
            attributes={name: value for name, value in self.attributes.items() if name != INTERRUPTED_AT},
            checkpoint=None,
        )

    @property
    def status(self) -> str:
        """One of running, complete, interrupted and failed."""
        return str(self.attributes.get("status", "complete"))

    @property
    def scheduled(self) -> int:
        """Number of snapshots at output times; a run that stopped between two of them has one more."""
        interrupted_at = int(self.attributes.get(INTERRUPTED_AT, -1))
        return len(self.time) if interrupted_at < 0 else min(interrupted_at, len(self.time))

    def curve(self, name: str) -> tuple[FloatArray, FloatArray]:
        """A scalar over time, from snapshots and steps: what to draw as a curve.

        Parameters
        ----------
        name : str
            One of ``scalars``.

        Returns
        -------
        time, values : arrays, shape (k,)
            All times at which the scalar is known, increasing.
        """
        values = self.steps.get(name, np.empty(0))
        known = np.isfinite(values)
        noted = self.steps["time"][known] if values.size > 0 else values
        time, first = np.unique(np.concatenate([self.time, noted]), return_index=True)
        return time, np.concatenate([self.scalars[name], values[known]])[first]

    def measure(self, index: int) -> Particles:
        """Give the state at an output as a discrete measure: the particles, or atoms at the cell centres."""
        index = self._output(index)
        if self.has_particles:
            sign = self.sign if self.sign is not None else np.ones(self.weight.shape[1])
            return Particles(self.position[index], self.weight[index], sign, self.domain)
        domain = self._known_domain()
        points = domain.points.reshape(-1, domain.points.shape[-1])
        masses = (self.density[index] * domain.volumes).ravel()
        return Particles(points, masses, np.repeat(domain.signs, masses.size // domain.sheets), domain)

    def potential(self, index: int) -> FloatArray:
        """First variation J at an output; of normalised measures -U, with the weights of the last step.

        Returns
        -------
        array, shape ``domain.shape`` for grids and (m,) for particles

        Raises
        ------
        InputError
            If the functional is not known: load the file with ``load(path, functional=...)``.
        """
        if self.functional is None:
            raise InputError("the functional of this trajectory is not known; load(path, functional=...) gives it")
        index = self._output(index)
        if self.has_particles:
            return self.functional.at_particles(self.measure(index)).potential
        if self.is_normalised and isinstance(self.functional, Features):
            coefficients = -self.functional.targets * self.fields["multipliers"][index]
            return self.functional.potential_of(coefficients, self._known_domain())
        return self.functional.on_grid(self._known_domain()).first_variation(self.density[index])

    def predict(self, x: Inputs, index: int = -1, raw: bool = False) -> FloatArray:
        """Prediction of the network at an output; over the mass, where the measure is normalised.

        Parameters
        ----------
        x : array-like, shape (k, d), mapping of str to array-like, or DataFrame
            Where to predict. Of a problem with a data set: values of its input columns in the units of its file, in
            their order, or columns by name, of which others are left aside; of one column, shape (k,) will do. The
            bias is added. Of others: inputs as the features see them.
        index : int
            Number of the output, the last by default.
        raw : bool
            Take and give what the features see in any case: inputs that are scaled as the data are, with a last 1
            where there is a bias, and predictions of the scaled targets.

        Returns
        -------
        array, shape (k,)
            In the units of the output column, where there is a data set.

        Raises
        ------
        InputError
            If the functional is not known or is that of no network, or a column is missing.
        ShapeError
            If the inputs do not fit the columns, or the input weights.

        Examples
        --------
        >>> import numpy as np
        >>> import wgflow
        >>> features = wgflow.Features(wgflow.Relu(np.array([[0.5, 1.0], [-0.5, 1.0]])), [1.0, 0.2])
        >>> trajectory = wgflow.solve(features, wgflow.Circle(32), lambda x: np.ones(x.shape[:-1]), 1.0, times=[])
        >>> trajectory.predict([[0.5, 1.0], [0.0, 1.0]]).shape
        (2,)
        """
        from wgflow.trajectory.prediction import predict  # files are read without the kernels of networks

        return predict(self, x, self._output(index), raw=raw)

    def plot(self, path: str | Path | None = None) -> Figure:
        """Draw the trajectory in the way that suits it, see `wgflow.plot_trajectory`.

        Parameters
        ----------
        path : path, optional
            File to save the figure to, which ends in .png, .pdf or .svg; an existing one is replaced.

        Returns
        -------
        Figure
            A matplotlib figure, made without pyplot; as the last value of a cell it shows itself in a notebook.

        Raises
        ------
        InputError
            If the figure cannot be saved there; nothing is drawn then.

        Examples
        --------
        >>> import numpy as np
        >>> import wgflow
        >>> flow = wgflow.solve(wgflow.Quadratic(np.eye(2)), wgflow.Circle(16), lambda x: np.ones(x.shape[:-1]), 1.0)
        >>> len(flow.plot().axes) >= 2
        True
        """
        if path is not None:
            handed_on_to("check_figure_path")(path)
        figure: Figure = handed_on_to("plot_trajectory")(self, self.problem)
        if path is not None:
            handed_on_to("save_figure")(figure, path)
        return figure

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write the trajectory to a file: the same that a run with this output would have written.

        Parameters
        ----------
        path : path
            The file, which `wgflow.load` reads.
        overwrite : bool
            Whether an existing trajectory may be replaced.

        Returns
        -------
        Path
            Where it is.

        Raises
        ------
        InputError
            If the file exists and must not be replaced, cannot be written, or is the one that the fields are read
            from.
        ComputationError
            If the disk does not take it.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> import wgflow
        >>> flow = wgflow.solve(wgflow.Quadratic(np.eye(2)), wgflow.Circle(16), lambda x: np.ones(x.shape[:-1]), 1.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     len(wgflow.load(flow.save(f"{folder}/flow.h5")))
        101
        """
        written: Path = handed_on_to("save_trajectory")(self, Path(path), overwrite=overwrite)
        return written

    def _repr_html_(self) -> str:
        """What a notebook shows: a table of a few lines, and a small picture."""
        from wgflow.trajectory.notebook_view import as_html

        return as_html(self)

    def to_xarray(self) -> xarray.Dataset:
        """Labelled dataset of all scalars and fields, on spheres with longitude and latitude of the cells.

        Raises
        ------
        MissingExtraError
            If xarray is not installed; it comes with the extra ``xarray``.
        """
        from wgflow.trajectory.dataset import as_dataset

        return as_dataset(self)

    def _known_domain(self) -> Domain:
        if self.domain is None:
            raise InputError("the domain of this trajectory is not known")
        return self.domain


def _rows_of(values: Any, rows: slice) -> Any:
    """Some rows of an array, or of a stored field, which behaves like one; nothing is read or copied."""
    return values.part(rows) if isinstance(values, StoredField) else values[rows]
