"""The command line and what it shows, exports and reports."""
