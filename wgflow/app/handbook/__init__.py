"""The handbook: its chapters lie in ``wgflow/handbook``, Sphinx makes web pages of them, which `wgflow docs` opens.

Pages that repeat what the code knows are made from it: tables of keys from the sections of problem files, commands from
the command line, results from the records of validations, the reference of Python from docstrings.
"""
