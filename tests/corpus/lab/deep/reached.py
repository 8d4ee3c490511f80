"""A module that others reach by its package only."""

DEPTH = 3  #> DEPTH = 4 [*]


def factory(start):
    total = start

    def add(value):
        nonlocal total
        total += value
        return total

    return add
