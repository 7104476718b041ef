"""The web page of a trajectory, read as text and, where there is one, in a browser."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

import wgflow
from wgflow import InputError
from wgflow.app.report import write_report
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
    assert "wgflow: two_layer on the signed circle" in text
    assert f"{trajectory.risk[-1]:.8g}" in text
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
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
        frames = re.findall(r'"(iVBOR[^"]+)"', source)
        assert f'<output id="label">{label}</output>' in found
        assert f'src="data:image/png;base64,{frames[number]}"' in found


def test_a_measure_without_a_picture_still_has_a_page(tmp_path):
    flow = wgflow.run(wgflow.open_problem("network", ["solver.t_end=0.2", "particles.count=5", "output.snapshots=3"]))
    write_report(flow, None, [], tmp_path / "network.html")
    text = (tmp_path / "network.html").read_text()
    assert "wgflow: flow on the space" in text
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
