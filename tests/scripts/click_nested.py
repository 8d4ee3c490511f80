"""A group of click inside of another."""

import json

import click


@click.group()
@click.option("--seed", type=int, default=0)
@click.pass_context
def cli(context, seed):
    context.obj = {"seed": seed}


@cli.group()
@click.option("--root", default="r")
@click.pass_obj
def data(found, root):
    found["root"] = root


@data.command()
@click.argument("places", nargs=-1, required=True)
@click.pass_obj
def load(found, places):
    print(json.dumps({**found, "places": places}))


if __name__ == "__main__":
    cli()
