"""The working folder of a script or notebook: writable, with links to its files."""

from __future__ import annotations

import os
import tempfile


def working_folder(files: str) -> str:
    """Creates a writable mirror of a folder: new folders with symbolic links to the files.

    Args:
        files: the folder in the image; if it does not exist, the mirror is empty.

    Returns:
        The path of the mirror; if no folder is writable, `files` itself.
    """
    try:
        mirror = os.path.realpath(tempfile.mkdtemp(prefix="work-"))
    except OSError:
        return files
    for folder, folders, names in os.walk(files):
        place = os.path.normpath(os.path.join(mirror, os.path.relpath(folder, files)))
        for name in folders:
            os.mkdir(os.path.join(place, name))
        for name in names:
            os.symlink(os.path.join(folder, name), os.path.join(place, name))
    return mirror
