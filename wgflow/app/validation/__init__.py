"""Validations: functions that compare what wgflow computes with what is known, and give rows.

A validation is a module of the folder ``validation/`` with a function ``validate(setting, *, options...)`` that yields
rows: what was measured, its value, what is asked, and whether that was reached. `run_validation` prints them while they
come and writes them as JSON, beside the pictures that the function draws; `wgflow validate NAME` calls it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
