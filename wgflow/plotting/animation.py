"""Films of trajectories: the measure at one time after the other, with the risk beside it."""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import NDArray
from PIL import Image

from wgflow.errors import ComputationError, InputError
from wgflow.former_names import with_former
from wgflow.plotting.film_frames import FilmFigure, make_film_figure
from wgflow.plotting.heatmaps import evenly_spread
from wgflow.plotting.style import paper_style
from wgflow.problems import Problem
from wgflow.system.drafts import replacing_by_name
from wgflow.system.paths import check_target
from wgflow.trajectory import Trajectory

if not TYPE_CHECKING:
    __getattr__ = with_former(__name__)

FILM_ENDINGS = (".gif", ".mp4")
FRAMES, RATE = 100, 20.0
MAX_RATE = 50.0  # a GIF counts hundredths of a second, and viewers slow down those that last one
DPI = 100
LAST_SECONDS = 1.5  # for which a GIF stops at its end, before it begins again
COLORS, LOST_BITS = 256, 2  # of a GIF; of each of red, green and blue, when the nearest colour is looked up
FFMPEG = "ffmpeg"

Picture = NDArray[np.uint8]  # shape (height, width, 3)
Draw = Callable[[int], Picture]
Progress = Callable[[int, int], None]  # number of frames done, and of all


def animate_trajectory(
    trajectory: Trajectory,
    problem: Problem | None,
    path: str | Path,
    *,
    frames: int = FRAMES,
    rate: float = RATE,
    progress: Progress | None = None,
) -> Path:
    """Make a film of a trajectory, on the same axes and colours from the first frame to the last.

    Parameters
    ----------
    trajectory : Trajectory
        What `wgflow.run` returned or `wgflow.load` read.
    problem : Problem or None
        Its problem; it adds data, teacher and symbols.
    path : path
        File that ends in .gif or .mp4; an existing one is replaced when the film is complete. MP4 needs ffmpeg.
    frames : int
        Frames at most, at least 1: one for each output, or some that are spread evenly over the outputs.
    rate : float
        Frames per second, positive and at most 50.
    progress : callable, optional
        Called after each frame with the number of frames done and of all.

    Returns
    -------
    Path
        Where the film is.

    Raises
    ------
    InputError
        If an argument is not allowed, the file cannot be written, ffmpeg is missing, or the measure cannot be drawn.
    ComputationError
        If the disk is full or ffmpeg fails; no part of the film is left then.
    """
    path = check_film(path, frames, rate)
    shown = evenly_spread(len(trajectory.time), frames)
    with paper_style(), _part_of(path) as part:
        scene = make_film_figure(trajectory, problem, shown)
        write = _write_gif if path.suffix.lower() == ".gif" else _write_mp4
        write(frame_renderer(scene), len(shown), part, rate, progress or _say_nothing)
    return path


def _say_nothing(_done: int, _total: int) -> None:
    """Report no progress."""


def frame_renderer(scene: FilmFigure, resolution: int = DPI) -> Draw:
    """Give a function from the number of a frame to its picture, with some dots per inch."""
    scene.figure.set_dpi(resolution)
    canvas: Any = FigureCanvasAgg(scene.figure)

    def draw(number: int) -> Picture:
        scene.show(number)
        canvas.draw()
        return np.array(canvas.buffer_rgba())[..., :3]

    return draw


def check_film(path: str | Path, frames: int = FRAMES, rate: float = RATE) -> Path:
    """Give the path if a film can be written there, before any work is done for it.

    Raises
    ------
    InputError
        If the ending is none of .gif and .mp4, the place cannot be written, ffmpeg is missing, or a number is not
        allowed.
    """
    path = check_target(Path(path), "film", FILM_ENDINGS)
    if frames < 1:
        raise InputError(f"frames = {frames} is not allowed; give at least 1")
    if not (math.isfinite(rate) and 0.0 < rate <= MAX_RATE):
        raise InputError(f"rate = {rate:g} frames per second is not allowed; give more than 0, at most {MAX_RATE:g}")
    if path.suffix.lower() == ".mp4" and shutil.which(FFMPEG) is None:
        raise InputError(f"film {path} needs ffmpeg, which is not installed; install it, or choose an ending .gif")
    return path


@contextmanager
def _part_of(path: Path) -> Iterator[Path]:
    """A file that takes its name at the end, and is removed if anything stops before."""
    try:
        with replacing_by_name(path) as part:
            yield part
    except OSError as error:
        raise ComputationError(f"film {path} could not be written: {error.strerror or error}") from None


def _write_gif(draw: Draw, count: int, part: Path, rate: float, report: Progress) -> None:
    """One palette for the whole film, taken from three of its pictures, so that colours do not flicker."""
    palette = _palette(np.concatenate([draw(number) for number in sorted({0, count // 2, count - 1})]))
    nearest, pictures = _nearest_colors(palette), []
    for number in range(count):
        red, green, blue = np.moveaxis(draw(number) >> LOST_BITS, -1, 0)
        pictures.append(Image.fromarray(nearest[red, green, blue]))
        pictures[-1].putpalette(palette.tobytes())
        report(number + 1, count)
    durations = [round(1000.0 / rate)] * (count - 1) + [round(1000.0 * LAST_SECONDS)]
    pictures[0].save(part, save_all=True, append_images=pictures[1:], duration=durations, loop=0)


def _palette(picture: Picture) -> Picture:
    """Colours of a picture, (256, 3) at most, exact white and black among them."""
    image = Image.fromarray(picture).quantize(COLORS - 2, method=Image.Quantize.MAXCOVERAGE)
    found = np.array(image.getpalette(), dtype=np.uint8).reshape(-1, 3)[: COLORS - 2]
    return np.concatenate([[[255, 255, 255], [0, 0, 0]], found]).astype(np.uint8)


def _nearest_colors(palette: Picture) -> Picture:
    """Table of the nearest colour of a palette by the first six bits of red, green and blue, shape (64, 64, 64)."""
    from scipy.spatial import KDTree

    levels = np.linspace(0.0, 255.0, 256 >> LOST_BITS)
    colors = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1)
    return np.asarray(KDTree(palette.astype(float)).query(colors)[1], dtype=np.uint8)


def _write_mp4(draw: Draw, count: int, part: Path, rate: float, report: Progress) -> None:
    """Raw pictures through a pipe to ffmpeg, in a session of its own: Ctrl-C is for the one who feeds it."""
    height, width = (size - size % 2 for size in draw(0).shape[:2])  # the codec needs even sizes
    command = [FFMPEG, "-loglevel", "error", "-y", "-f", "rawvideo"]
    command += ["-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{rate:g}", "-i", "pipe:"]
    command += ["-an", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(part)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    pipe = cast("IO[bytes]", process.stdin)
    try:
        for number in range(count):
            pipe.write(np.ascontiguousarray(draw(number)[:height, :width]).tobytes())
            report(number + 1, count)
    except BrokenPipeError:
        pass  # ffmpeg says below why it stopped
    except BaseException:
        process.kill()
        raise
    finally:
        _, errors = process.communicate()
    if process.returncode != 0:
        reason = errors.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise ComputationError(f"ffmpeg failed with code {process.returncode}: {reason[-1]}")
