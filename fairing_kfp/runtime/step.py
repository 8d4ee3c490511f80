"""The program of every step: `python3 /opt/fairing/runtime/step.py --executor_input …`."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

if __name__ in ("__main__", "__mp_main__"):
    # Python adds a script's folder to sys.path, except with PYTHONSAFEPATH; the user's code must not import from it
    sys.path[:] = [HERE, *(entry for entry in sys.path if entry != HERE)]
    from fairing_runtime import main  # type: ignore[import-not-found]  # its name in the image

    sys.path.remove(HERE)
    if __name__ == "__main__":
        sys.exit(main.main(os.path.dirname(HERE), sys.argv))
    globals().update(main.notebook_names(os.path.dirname(HERE)))  # a child that multiprocessing spawned
