"""Notebooks: reading, cells, magics, parameters, and their code as a script."""
