"""Training of finite networks: students of a teacher, and classifiers by their margin."""
