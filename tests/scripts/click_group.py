"""A group of commands of click."""

import json

import click


@click.group()
@click.option("--seed", type=int, default=0)
@click.pass_context
def cli(context, seed):
    context.obj = seed


@cli.command()
@click.option("--depth", type=int, default=8)
@click.pass_obj
def learn(seed, depth):
    print(json.dumps({"seed": seed, "depth": depth}))


@cli.command("judge")
@click.argument("model")
def judge_it(model):
    print(json.dumps({"model": model}))


if __name__ == "__main__":
    cli()
