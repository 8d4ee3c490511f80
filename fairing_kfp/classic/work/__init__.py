"""How Fairing's calls run with the rest of this package."""
