"""HDF5 written byte by byte, so that a file is whole at every instant."""
