"""An own module of the test pipelines."""


class Box:
    """What one step pickles and another opens."""

    def __init__(self, content: int) -> None:
        self.content = content


def double(number: int) -> int:
    return 2 * number
