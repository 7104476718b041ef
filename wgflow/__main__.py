"""``python -m wgflow`` is the command line."""

from wgflow.cli import main

main()
