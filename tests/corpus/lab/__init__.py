"""An own package."""

VERSION = 1
