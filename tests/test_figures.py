"""Figures on the screen: a table that a terminal of 80 columns holds, in words, and what is said of a large bias."""

from datetime import date

import pandas as pd
import pytest

from models.level import Level
from regulars import figures
from regulars.results import level_words
from regulars.screen import Screen
from training.baselines import BASELINES
from training.evaluate import MODEL

AS_OF = date(2024, 3, 1)


def metrics(money: float = 1.0, bias: float = -0.17) -> pd.DataFrame:
    """What an evaluation finds, beside all baselines; errors in units of `money`."""
    own = dict.fromkeys(figures.SHOWN, 0.512) | {"mae": 13.86 * money, "rmse": 142.5 * money, "bias": bias}
    table = pd.DataFrame([own | {"gini": own["gini"] - n / 10} for n in range(1 + len(BASELINES))])
    table.index = pd.Index([MODEL, *BASELINES])
    table.loc["historic rate", "bias"] = 1.589
    return table


@pytest.fixture
def screen(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    return Screen()


@pytest.mark.parametrize("money", [0.001, 1.0, 900.0])
def test_the_table_fits_80_columns_and_folds_no_figure(screen, capsys, money):
    screen.table("Figures", *figures.metrics_table(metrics(money)))
    printed = capsys.readouterr().out
    assert max(len(line) for line in printed.splitlines()) <= 80
    columns, rows = figures.metrics_table(metrics(money))
    assert len(columns) == 1 + len(metrics())
    for label, *cells in rows:
        line = next(line for line in printed.splitlines() if label.split()[0] in line)
        assert all(cell.strip() in line for cell in cells), label


def test_the_best_of_each_row_has_a_star_and_of_bias_the_nearest_to_nothing():
    columns, rows = figures.metrics_table(metrics().assign(bias=[-0.1, 0.05, 0.2, 1.5, -0.3, 0.4]))
    found = {label: cells for label, *cells in rows}
    assert [cell[-1] for cell in found["Gini"]] == ["*", " ", " ", " ", " ", " "]
    assert [cell[-1] for cell in found["bias"]] == [" ", "*", " ", " ", " ", " "]
    assert columns[1] == "Regulars "


def test_every_name_of_the_table_is_explained_below_it():
    columns, rows = figures.metrics_table(metrics())
    models = [column.strip() for column in columns if "NBD" in column]
    assert models == ["BG/NBD", "MBG/NBD"]
    for name in (*models, "BTYD", *(label for label, *_ in rows)):
        assert name in figures.LEGEND


@pytest.mark.parametrize(("bias", "words"), [(-0.77, "77% less than came as of 2024-03-01"), (1.5, "150% more than")])
def test_a_total_that_was_far_off_is_said_with_what_to_do(bias, words):
    said = figures.bias_words({AS_OF: metrics(bias=bias), date(2023, 12, 1): metrics(bias=0.1)})
    assert words in said
    assert "2023-12-01" not in said
    assert "--cutoffs" in said


@pytest.mark.parametrize("bias", [-0.3, 0.0, 0.29, float("nan")])
def test_nothing_is_said_where_it_was_not(bias):
    assert figures.bias_words({AS_OF: metrics(bias=bias)}) is None


def test_a_level_is_said_without_initials_alone():
    assert level_words(Level(1.0, 1.0, 1.0, "the same season last year")) == (
        "1.00 times what the buy-till-you-die model (BTYD) expects (the same season last year)"
    )


def test_customers_that_are_passed_over_twice_are_counted_once(screen, capsys):
    with screen.progress("scoring customers", 6_000, passes=2) as progress:
        for _ in range(2):
            for batch in (2_500, 3_500):
                progress(batch)
    assert "scoring customers: 6,000 done" in capsys.readouterr().err
