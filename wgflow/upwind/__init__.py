"""Upwind transport on meshes: the equations of a step that is implicit, and how they are solved."""
