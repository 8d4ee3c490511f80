"""The program of every predictor: `python3 /opt/fairing/server/serve.py`."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)

if __name__ in ("__main__", "__mp_main__"):
    # Python adds a script's folder to sys.path, except with PYTHONSAFEPATH; the user's code must not import from it.
    runtime = os.path.join(ROOT, "runtime")
    sys.path[:] = [HERE, runtime, *(entry for entry in sys.path if entry not in (HERE, runtime))]
    from fairing_runtime import main  # type: ignore[import-not-found]  # its name in the image
    from fairing_start import start  # type: ignore[import-not-found]

    sys.path[:] = [entry for entry in sys.path if entry not in (HERE, runtime)]
    if __name__ == "__main__":
        sys.exit(start.start(ROOT))
    globals().update(main.notebook_names(ROOT))  # a child that multiprocessing spawned
