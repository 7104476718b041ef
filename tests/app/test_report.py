"""The web page of a trajectory, read as text and, where there is one, in a browser."""

from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import wgflow
from wgflow import InputError
from wgflow.app.console import report
from wgflow.app.report import summary_of, write_report
from wgflow.problems import load_problem
from wgflow.trajectory.checking import Check, check_trajectory

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
FILE_CHECKS = [Check("schema", "version 2", passed=True), Check("times", "not <increasing>", passed=False)]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page about a short run, and its trajectory."""
    folder = tmp_path_factory.mktemp("report")
    wgflow.run(
        wgflow.open_problem("teacher", ["domain.cells=64", "solver.t_end=1.0", "output.snapshots=5"]), folder / "run.h5"
    )
    trajectory = wgflow.load(folder / "run.h5")
    seen = []
    write_report(
        trajectory,
        load_problem(folder / "run.h5"),
        [*check_trajectory(folder / "run.h5"), *FILE_CHECKS],
        folder / "run.html",
        frames=3,
        progress=lambda *count: seen.append(count),
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]
    return folder / "run.html", trajectory


def test_the_page_needs_nothing_else(page):
    text = page[0].read_text()
    outside = set(re.findall(r'(?:src|href)="([^"#]+)"', text))
    assert all(link.startswith("data:") for link in outside)
    assert len(re.findall(r'"iVBOR', text)) == 3


def test_the_page_says_what_the_file_holds(page):
    text, trajectory = page[0].read_text(), page[1]
    assert "<title>teacher</title>" in text
    assert "<h1>teacher</h1>" in text
    assert '<p class="about">A two-layer network on the signed circle, by finite volumes</p>' in text
    assert f"the risk falls from {trajectory.risk[0]:.6g} to {trajectory.risk[-1]:.6g}, the mass rises from 1 " in text
    assert f"<td>{trajectory.risk[-1]:.4g}</td>" in text
    assert text.count("<th>risk</th>") == 1
    assert "<th>F</th>" not in text  # it is the risk
    assert "seal" not in text.replace("sealed", "")
    assert "data = &quot;gaussian_teacher&quot;" in text
    assert "accepted_steps" in text
    assert 'class="text fault">FAULT: not &lt;increasing&gt;' in text
    assert text.count("FAULT") == 1


@pytest.mark.skipif(BROWSER is None, reason="needs chromium")
def test_the_slider_chooses_the_picture(page, tmp_path):
    moved = tmp_path / "moved.html"
    script = '<script>slider.value = "0"; slider.dispatchEvent(new Event("input"));</script></body>'
    for source, label, number in (
        (page[0].read_text(), "t = 1", 2),
        (page[0].read_text().replace("</body>", script), "t = 0", 0),
    ):
        moved.write_text(source)
        command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path}/profile", "--dump-dom", moved.as_uri()]
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600).stdout
        frames = re.findall(r'"(iVBOR[^"]+)"', source)
        assert f'<output id="label">{label}</output>' in found
        assert f'src="data:image/png;base64,{frames[number]}"' in found


def test_frames_are_sharp(page):
    """200 dots per inch on 6 inches, in 256 colours."""
    frames = re.findall(r'"(iVBOR[^"]+)"', page[0].read_text())
    with Image.open(io.BytesIO(base64.b64decode(frames[0]))) as picture:
        assert (picture.width, picture.mode) == (1200, "P")
        assert len(picture.getpalette()) == 3 * 256


def test_small_screens_show_the_panels_of_the_figure(page):
    """Each part of the figure is a view of it, wide enough for a panel, and they do not leave it."""
    text = page[0].read_text()
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    width, height = map(float, re.search(r'<g id="figure">|viewBox="0 0 ([\d.]+) ([\d.]+)"', text).groups())
    views = re.findall(r'<svg viewBox="([^"]+)"><use href="#figure"/></svg>', text)
    boxes = [tuple(map(float, view.split())) for view in views]
    assert len(boxes) >= 4
    assert text.count('<g id="figure">') == 1
    for x, y, wide, high in boxes:
        assert 0.2 * width < wide < 0.75 * width
        assert 0.0 <= x < x + wide <= width + 6.0
        assert 0.0 <= y < y + high <= height + 6.0


@pytest.mark.skipif(BROWSER is None, reason="needs chromium")
@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_is_wider_than_the_screen(page, tmp_path, width):
    """A frame of that width in a window that is wider: chromium makes no window as narrow as a phone."""
    script = """<script>addEventListener("load", () => {
  const root = document.documentElement, shown = (part) => getComputedStyle(document.querySelector(part));
  document.body.dataset.found = [root.scrollWidth <= innerWidth, shown(".panels").display,
    shown(".whole").position].join(" ");
  parent.postMessage(document.body.dataset.found, "*");
});</script></body>"""
    inner, outer = tmp_path / "inner.html", tmp_path / "outer.html"
    inner.write_text(page[0].read_text().replace("</body>", script))
    outer.write_text(
        f'<body><iframe src="inner.html" width="{width}" height="900" style="border:0"></iframe>'
        '<script>addEventListener("message", (event) => { document.body.dataset.found = event.data; });</script></body>'
    )
    command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path}/profile", "--window-size=1600,1000"]
    command += ["--virtual-time-budget=5000", "--dump-dom", outer.as_uri()]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600).stdout
    state = re.search(r'data-found="([^"]+)"', found)[1]
    assert state == ("true block absolute" if width == 400 else "true none static")


def test_energies_are_told_as_they_are_drawn(tmp_path):
    """The free energy of diffusion in a well falls below 0 while its potential part rises."""
    line = wgflow.Box([(-3.0, 3.0)], 32)
    energy = wgflow.Entropy(1.0) + wgflow.Potential(lambda x: 0.5 * x[..., 0] ** 2)
    start = np.exp(-8.0 * line.axes[0] ** 2)
    trajectory = wgflow.solve(energy, line, start, 1.0, times=[0.5], stepper="tr_bdf2", output=tmp_path / "run.h5")
    assert trajectory.risk[-1] > trajectory.risk[0]
    assert trajectory.energy[-1] < trajectory.energy[0]
    for run in (trajectory, wgflow.load(tmp_path / "run.h5")):
        text = summary_of(run)
        assert (
            f"the energy falls from {trajectory.energy[0]:.6g} to {trajectory.energy[-1]:.6g}, the mass stays " in text
        )
        assert " risk" not in text
        rising = replace(run, scalars={**run.scalars, "energy": run.energy[::-1]}, functional=None)
        assert f"the energy rises from {trajectory.energy[-1]:.6g} to {trajectory.energy[0]:.6g}" in summary_of(rising)


def test_transport_is_told_without_an_energy(capsys):
    spin = wgflow.StreamFunction(lambda x, _: -x[:, 2], steady=True)
    start = 1.0 + wgflow.Sphere(42).points[:, 0]
    run = wgflow.solve_transport(spin, wgflow.Sphere(42), start, 0.2, times=[0.1, 0.2])
    assert "(complete): half the squared density falls from " in summary_of(run)
    report(run, Path("run.h5"), quiet=False)
    assert " 1 evaluations of the velocity; ended by t_end" in capsys.readouterr().out


def test_a_measure_without_a_picture_still_has_a_page(tmp_path):
    trajectory = wgflow.run(
        wgflow.open_problem("network", ["solver.t_end=0.2", "particles.count=5", "output.snapshots=3"])
    )
    write_report(trajectory, None, [], tmp_path / "network.html")
    text = (tmp_path / "network.html").read_text()
    assert "<h1>network</h1>" in text
    assert '<p class="about">A flow on the space, by particles</p>' in text
    assert 'id="frame"' not in text


def test_what_cannot_be_written_is_named(page, tmp_path):
    with pytest.raises(InputError, match=r"has the ending '.pdf'; allowed is .html"):
        write_report(page[1], None, [], tmp_path / "run.pdf")
    with pytest.raises(InputError, match="frames = 0 is not allowed"):
        write_report(page[1], None, [], tmp_path / "run.html", frames=0)
    with pytest.raises(InputError, match="does not exist; make it"):
        write_report(page[1], None, [], tmp_path / "no" / "run.html")
    (tmp_path / "taken.html").mkdir()
    with pytest.raises(InputError, match="is a folder; give the name of a file"):
        write_report(page[1], None, [], tmp_path / "taken.html", frames=1)
