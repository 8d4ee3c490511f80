"""Forecasts the demand of the coming days, from all days so far; retrained every night.

fairing-kfp run samples/timeseries/pipeline.py -p horizon=7 -p today=2026-03-01
fairing-kfp recurring create samples/timeseries/pipeline.py --cron '0 0 2 * * *' --host … --registry …
"""

import datetime
import json
import random
from pathlib import Path
from statistics import fmean, linear_regression

from kfp import dsl

from fairing_kfp import OUTPUT, fairing_component

FIRST = datetime.date(2025, 9, 1)
WEEK = 7


@fairing_component
def collect(today: str, series: dsl.Output[dsl.Dataset] = OUTPUT) -> int:
    """Gets the demand of each day before today: here made up, at yours from a warehouse."""
    chance = random.Random(1)
    last = datetime.date.fromisoformat(today) if today else datetime.datetime.now(datetime.timezone.utc).date()
    demand = [100 + 0.2 * day + 30 * (day % WEEK < 5) + chance.gauss(0, 5) for day in range((last - FIRST).days)]
    Path(series.path).write_text(json.dumps(demand))
    return len(demand)


@fairing_component
def backtest(series: dsl.Input[dsl.Dataset], horizon: int, metrics: dsl.Output[dsl.Metrics] = OUTPUT) -> float:
    """The mean error of the last days, if they had been forecast, as a share of the demand."""
    demand = json.loads(Path(series.path).read_text())
    known, unknown = demand[:-horizon], demand[-horizon:]
    guesses = forecast_from(known, horizon)
    error = fmean(abs(guess - real) for guess, real in zip(guesses, unknown, strict=True)) / fmean(unknown)
    metrics.log_metric("error", error)
    return error


@fairing_component
def forecast(
    series: dsl.Input[dsl.Dataset],
    horizon: int,
    days: dsl.Output[dsl.Dataset] = OUTPUT,
    chart: dsl.Output[dsl.HTML] = OUTPUT,
) -> None:
    """Forecasts the coming days, and draws them after the last weeks."""
    demand = json.loads(Path(series.path).read_text())
    guesses = forecast_from(demand, horizon)
    Path(days.path).write_text(json.dumps(guesses))
    Path(chart.path).write_text(drawing(demand[-6 * WEEK :], guesses))


def forecast_from(demand: list[float], horizon: int) -> list[float]:
    """The trend, and how each day of the week is above or below it."""
    days = range(len(demand))
    trend, start = linear_regression(days, demand)
    rests = [value - start - trend * day for day, value in enumerate(demand)]
    habits = [fmean(rests[weekday::WEEK]) for weekday in range(WEEK)]
    return [start + trend * day + habits[day % WEEK] for day in range(len(demand), len(demand) + horizon)]


def drawing(past: list[float], future: list[float]) -> str:
    """Bars: grey for the past, blue for the forecast."""
    bars = "".join(
        f"<rect x='{10 * x}' y='{200 - y:.0f}' width='8' height='{y:.0f}' fill='{colour}'/>"
        for x, (y, colour) in enumerate([*((y, "gray") for y in past), *((y, "steelblue") for y in future)])
    )
    return f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {10 * (len(past) + len(future))} 200'>{bars}</svg>"


@dsl.pipeline(name="demand", description="Forecasts the demand of the coming days.")
def demand(horizon: int = 14, today: str = "", limit: float = 0.1):
    collected = collect(today=today)
    collected.set_caching_options(False)  # its arguments are the same every night, its result is not
    series = collected.outputs["series"]
    tested = backtest(series=series, horizon=horizon)
    with dsl.If(tested.outputs["Output"] < limit, name="good-enough"):
        forecast(series=series, horizon=horizon)
