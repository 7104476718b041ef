"""Work of validations in other processes: their environment, and the modules that dask workers are sent."""

from __future__ import annotations

import os
from zipfile import ZipFile

from wgflow.app.validation import Setting
from wgflow.app.validation.finding import import_shipped

processes = import_shipped("_processes")


def test_the_environment_is_as_before_in_the_end(monkeypatch):
    monkeypatch.setenv("WGFLOW_A", "before")
    monkeypatch.delenv("WGFLOW_B", raising=False)
    with processes.environment({"WGFLOW_A": "1", "WGFLOW_B": "2"}):
        assert (os.environ["WGFLOW_A"], os.environ["WGFLOW_B"]) == ("1", "2")
    assert os.environ["WGFLOW_A"] == "before"
    assert "WGFLOW_B" not in os.environ


def test_quick_work_stays_in_this_process(tmp_path):
    found = processes.side_by_side(lambda _: os.getpid(), range(2), Setting("name", tmp_path, quick=True), "title")
    assert found == [os.getpid()] * 2


def test_workers_are_sent_the_modules_of_validations():
    class Client:
        def upload_file(self, archive):
            with ZipFile(archive) as file:
                self.names = file.namelist()

    client = Client()
    processes._send_package(client)
    assert {"validation/__init__.py", "validation/_processes.py", "validation/theorem3.py"} <= set(client.names)


def test_processes_side_by_side_have_one_thread_each():
    """Which they take themselves: the threads of the process that starts them are there already."""
    pool = import_shipped("_pool")
    before = dict(os.environ)
    with pool.single_threaded_pool(1) as started:
        assert started.submit(os.getenv, "NUMBA_NUM_THREADS").result() == "1"
    assert dict(os.environ) == before
