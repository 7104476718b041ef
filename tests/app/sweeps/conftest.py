"""A small problem, and two worker processes that all tests share."""

from __future__ import annotations

import dask
import pytest

from wgflow.app.sweeps.cluster import connect


@pytest.fixture
def problem():
    """Particles of a quadratic problem: a run takes some milliseconds."""
    return {
        "problem": {"kind": "quadratic", "target": [[1.0, 0.2], [0.2, 0.5]]},
        "domain": {"kind": "circle", "cells": 16},
        "solver": {"kind": "particles", "t_end": 0.5},
        "particles": {"count": 4},
        "output": {"snapshots": 4},
    }


@pytest.fixture(scope="module")
def client():
    with connect(None, 2, 1) as client:
        yield client


@pytest.fixture
def address(client):
    """The address of their scheduler, and its keys where a user of remote schedulers puts them."""
    keys = {"ca-file": "tls_ca_file", "client.key": "tls_client_key", "client.cert": "tls_client_cert"}
    with dask.config.set({f"distributed.comm.tls.{name}": getattr(client.security, key) for name, key in keys.items()}):
        yield client.scheduler.address
