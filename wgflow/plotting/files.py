"""Writing figures to files."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from wgflow.errors import InputError
from wgflow.plotting.style import paper_style
from wgflow.system.drafts import replacing
from wgflow.system.launchers import refuse_ranks
from wgflow.system.paths import check_target

ENDINGS = (".png", ".pdf", ".svg")


def check_figure_path(path: str | Path) -> Path:
    """Give the path if a figure can be saved there, before any work is done for it.

    Raises
    ------
    InputError
        If the ending is none of .png, .pdf and .svg, or no file can be written there.
    """
    refuse_ranks(f"drawing {path}", "write the trajectory with output=..., and draw it afterwards: wgflow plot FILE")
    return check_target(Path(path), "figure", ENDINGS)


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Save a figure in the format that the ending of the path names.

    Parameters
    ----------
    figure : Figure
        What a plotting function returned.
    path : path
        File that ends in .png, .pdf or .svg; an existing one is replaced when the figure is complete.

    Returns
    -------
    Path
        Where the figure is.

    Raises
    ------
    InputError
        If the ending is another one, the folder does not exist, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> flow = wgflow.solve(wgflow.Quadratic(np.eye(2)), wgflow.Circle(16), np.ones(16), 1.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     wgflow.save_figure(wgflow.plot_trajectory(flow), f"{folder}/flow.svg").name
    'flow.svg'
    """
    path = check_figure_path(path)
    try:
        with paper_style(), replacing(path) as file:
            figure.savefig(file, format=path.suffix[1:].lower())
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"figure {path} cannot be written: {reason}; choose another path") from None
    return path
