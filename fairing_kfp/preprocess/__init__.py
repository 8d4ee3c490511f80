"""Preprocessing: from code (a function, script, notebook or predictor) to a bundle of deterministic files."""
