"""The past: counted over batches of customers, windows hold what their customer groups add up to, to the last bit."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.diaries import diaries
from features.outcome import customer_groups
from models.level import QUANTITIES, windows
from models.past import Past

DATES = (date(1997, 2, 1), date(1997, 10, 1), date(1997, 11, 15), date(1998, 4, 1), date(1998, 6, 30))
ASKED = [(day, days) for day in DATES for days in (30, 90)] + [(date(1997, 6, 1), 364)]
PARTS = ("happened", "expected", "before")


@pytest.fixture(scope="module")
def days(sample_ledger):
    return diaries(sample_ledger).to_pyarrow()


def counted(btyd, days, asked=ASKED, rows=10_000):
    past = Past(btyd, asked)
    for batch in days.to_batches(max_chunksize=rows):
        past.add(batch)
    return past.windows()


@pytest.fixture(scope="module")
def found(small_bundle, days):
    return counted(small_bundle.btyd, days)


def test_windows_are_those_of_the_customer_groups(sample_ledger, small_bundle, found):
    for length in (30, 90, 364):
        dates = [day for day, days in ASKED if days == length]
        groups = customer_groups(sample_ledger, dates, length).to_pandas()
        for day, window in windows(groups, small_bundle.btyd, length).items():
            assert found[day, length].as_of == day
            assert found[day, length].customers == window.customers
            for part in PARTS:
                for quantity in QUANTITIES:
                    exact = getattr(window, part)[quantity]
                    assert getattr(found[day, length], part)[quantity] == pytest.approx(exact, rel=1e-11), (day, part)


def test_neither_batches_nor_the_order_of_customers_change_a_bit(small_bundle, days, found):
    shuffled = days.take(np.random.default_rng(0).permutation(len(days)))
    assert counted(small_bundle.btyd, shuffled, rows=97) == found
    assert counted(small_bundle.btyd, shuffled, ASKED[:1])[ASKED[0]] == found[ASKED[0]]


def test_a_window_at_whose_beginning_nobody_was_a_customer_is_not_there(small_bundle, days):
    early = date(1996, 12, 1)
    assert counted(small_bundle.btyd, days, [(early, 90), (early + timedelta(days=32), 90)]).keys() == {
        (early + timedelta(days=32), 90)
    }


def test_refunds_count_as_nothing_beyond_what_was_spent_and_the_day_itself_is_ahead(small_bundle):
    start = date(2024, 1, 1)
    begin = (start - date(1970, 1, 1)).days
    rows = {
        "at": [[begin - 5, begin - 3, begin], [begin - 10, begin + 4], [begin + 1]],
        "net": [[50_000, -90_000, 70_000], [20_000, -30_000], [10_000]],
        "purchase": [[True, False, True], [True, False], [True]],
    }
    window = counted(small_bundle.btyd, pa.table(rows), [(start, 5)])[start, 5]
    assert window.customers == 2
    assert window.happened == {"spend": 7.0, "orders": 1.0, "active": 1.0}
    assert window.before == {"spend": 0.0, "orders": 1.0, "active": 1.0}
