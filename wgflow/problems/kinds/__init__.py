"""The kinds of [problem]: a file a kind."""
