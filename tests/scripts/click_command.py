"""A command of click."""

import json

import click


@click.command()
@click.option("--depth", "-d", default=8, show_default=True, help="how deep")
@click.option("--rate", type=click.FloatRange(0, 1), default=0.5)
@click.option("--shout/--no-shout", default=True)
@click.option("--force", is_flag=True)
@click.option("--tag", "tags", multiple=True)
@click.option("--size", nargs=2, type=int, default=(8, 8))
@click.option("--kind", type=click.Choice(["forest", "line"]), required=True, help="what is learned")
@click.option("-v", "--verbose", count=True)
@click.argument("scans", type=click.Path())
@click.argument("rest", nargs=-1)
def main(**arguments):
    """Learns."""
    print(json.dumps(arguments))


if __name__ == "__main__":
    main()
