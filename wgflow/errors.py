"""Errors that wgflow raises.

Each message says what was found, where, what is allowed, and what to do.
"""

from __future__ import annotations


class WgflowError(Exception):
    """Base of every error that wgflow raises on purpose.

    Examples
    --------
    >>> try:
    ...     wgflow.Teacher([[0.0, 0.0]], [1.0])
    ... except wgflow.WgflowError as error:
    ...     print(type(error).__name__, error, sep=": ")
    InputError: a teacher direction is the zero vector; give nonzero directions
    """


class InputError(WgflowError, ValueError):
    """A value given by the user is not allowed (command-line exit code 2).

    Examples
    --------
    >>> wgflow.Limits(wall_time=-1.0)
    Traceback (most recent call last):
    wgflow.errors.InputError: wall_time = -1.0 is not allowed; give a positive number, or leave it out
    """


class ShapeError(InputError):
    """An array does not have the shape that the domain or the functional needs.

    Examples
    --------
    >>> wgflow.Relu([0.5, -2.0])
    Traceback (most recent call last):
    wgflow.errors.ShapeError: inputs of shape (2,) are not allowed; give finite numbers, shape (n, d)
    """


class OutputError(InputError, IndexError):
    """A trajectory has no output of that number."""


class FlowWarning(UserWarning):
    """Something that a person who looks at the result of a flow should know.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", wgflow.FlowWarning)  # a run that warns stops here
    ...     wgflow.solve(wgflow.Quadratic(np.eye(2)), wgflow.Circle(16), np.ones(16), 0.1).status
    'complete'
    """


class WallWarning(FlowWarning):
    """Some mass of a flow has come near a wall of its box.

    Examples
    --------
    >>> import warnings
    >>> box, slope = wgflow.Box([(0.0, 1.0)], 8), wgflow.Potential(lambda x: x[..., 0])
    >>> with warnings.catch_warnings(record=True, action="always") as heard:
    ...     flow = wgflow.solve(slope, box, lambda x: np.exp(-80.0 * (x[..., 0] - 0.5) ** 2), 0.5, wall_warning=0.1)
    >>> print(heard[0].message)
    at t = 0.2... the cells at the lower end of axis 0 hold 0.1... of the mass, more than wall_warning = 0.1; ...
    """


class ResumeWarning(FlowWarning):
    """A run goes on from a file that does not hold all that an uninterrupted run would know.

    Examples
    --------
    >>> import tempfile, warnings
    >>> risk, circle = wgflow.Quadratic(np.eye(2)), wgflow.Circle(16)
    >>> with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True, action="always") as heard:
    ...     flow = wgflow.solve(risk, circle, np.ones(16), 0.5)
    ...     part = flow[::50].save(f"{folder}/part.h5")  # without the step control of the run
    ...     flow = wgflow.solve(risk, circle, np.ones(16), 1.0, output=part, resume=True)
    >>> heard[0].category.__name__
    'ResumeWarning'
    """


class EstimateWarning(FlowWarning):
    """Errors of a run cannot be estimated, or at a high cost; the run itself goes on."""


class ComputationError(WgflowError, RuntimeError):
    """A computation that started from valid input failed (command-line exit code 1).

    Examples
    --------
    >>> circle, start = wgflow.Circle(16), wgflow.Particles([[1.0, 0.0], [0.0, 1.0]], [0.5, 0.5])
    >>> hurried = wgflow.JkoOptions(tau=0.5, iterations=1, halve=False)
    >>> flow = wgflow.make_jko_flow(wgflow.Quadratic(np.eye(2)), start, circle, hurried)
    >>> flow.begin_interval(1.0)
    >>> try:
    ...     flow.step()
    ... except wgflow.ComputationError as error:
    ...     print(error)
    a step of 0.5 was not found in 1 Newton iterations; choose a smaller tau
    """


class MissingExtraError(WgflowError, ImportError):
    """An optional library is not installed; the message names the command that installs it.

    Examples
    --------
    >>> try:
    ...     raise wgflow.MissingExtraError("xarray", "xarray", "open_many")
    ... except wgflow.MissingExtraError as error:
    ...     print(error)
    open_many needs the library xarray, which is not installed: pip install 'wgflow[xarray]'
    """

    def __init__(self, library: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the library {library}, which is not installed: pip install 'wgflow[{extra}]'"
        )
