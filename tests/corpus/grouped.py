"""Statements of Python 3.11."""

import fairing_kfp


def case_exception_group() -> str:
    log = []
    try:
        raise ExceptionGroup("several", [ValueError(1), TypeError(2), KeyError(3)])
    except* (ValueError, TypeError) as group:
        log.append(len(group.exceptions))  #>         log.append(-len(group.exceptions))
    except* KeyError as group:
        log.append(repr(group.exceptions[0]))
    return str(log)


if __name__ == "__main__":
    exec(__import__("os").environ["PACK"])
