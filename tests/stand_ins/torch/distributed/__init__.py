"""Of this only `run` is there."""
