"""``python -m wgflow`` is the command line."""

from wgflow.app.cli import main

main()
