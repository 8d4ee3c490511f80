"""Command line arguments of scripts: read from their source without running it, or declared by the author."""
