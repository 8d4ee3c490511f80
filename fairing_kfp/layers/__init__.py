"""Packing of files and folders into layers: compressed tar archives whose bytes depend on the content alone."""
