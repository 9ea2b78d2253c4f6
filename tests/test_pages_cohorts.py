"""The retention triangle: counted from purchases, and empty where nobody could know yet."""

from datetime import date

import ibis
import pandas as pd
import pytest

from serving.web.pages.cohorts import retention, suitable_period
from serving.web.pages.retention_table import retention_rows

AS_OF = date(2024, 5, 1)
# Ann buys in January, February and April; Bob in January alone; Cid in February and March; Dan only returns things.
DAYS = [
    ("ann", date(2024, 1, 3), 100),
    ("ann", date(2024, 1, 20), 100),
    ("ann", date(2024, 2, 10), 100),
    ("ann", date(2024, 4, 30), 100),
    ("bob", date(2024, 1, 31), 100),
    ("bob", date(2024, 3, 1), 0),
    ("cid", date(2024, 2, 1), 100),
    ("cid", date(2024, 3, 31), 100),
    ("dan", date(2024, 3, 5), 0),
]


def ledger(days=DAYS):
    return ibis.memtable(pd.DataFrame(days, columns=["customer_id", "day", "gross"]))


def shares(cells):
    return {(cell.cohort, cell.age): (cell.returned, cell.customers) for cell in cells.itertuples()}


class TestTriangle:
    def test_it_is_what_can_be_counted_by_hand(self):
        january, february = date(2024, 1, 1), date(2024, 2, 1)
        assert shares(retention(ledger(), AS_OF, "month")) == {
            (january, 0): (2, 2),
            (january, 1): (1, 2),
            (january, 2): (0, 2),
            (january, 3): (1, 2),
            (february, 0): (1, 1),
            (february, 1): (1, 1),
            (february, 2): (0, 1),
        }

    def test_a_day_on_which_things_only_came_back_is_no_purchase(self):
        assert not any(cell[0] == date(2024, 3, 1) for cell in shares(retention(ledger(), AS_OF, "month")))

    def test_a_period_that_is_not_over_is_not_observed(self):
        day_before = shares(retention(ledger(), date(2024, 4, 30), "month"))
        assert (date(2024, 1, 1), 3) not in day_before
        assert (date(2024, 1, 1), 2) in day_before

    def test_days_at_or_after_the_as_of_date_change_nothing(self):
        later = [*DAYS, ("bob", AS_OF, 100), ("eve", date(2024, 6, 1), 100)]
        pd.testing.assert_frame_equal(retention(ledger(later), AS_OF, "month"), retention(ledger(), AS_OF, "month"))

    def test_every_cohort_begins_whole(self):
        cells = retention(ledger(), AS_OF, "month")
        assert (cells[cells["age"] == 0]["share"] == 1).all()

    def test_quarters_are_of_the_calendar(self):
        cells = retention(ledger(), date(2024, 7, 1), "quarter")
        assert shares(cells) == {(date(2024, 1, 1), 0): (3, 3), (date(2024, 1, 1), 1): (1, 3)}

    def test_without_a_whole_period_there_is_nothing(self):
        assert retention(ledger(), date(2024, 1, 25), "month").empty
        assert retention(ledger([]).cast({"gross": "int64", "day": "date"}), AS_OF, "month").empty


class TestRows:
    def test_cells_that_were_not_observed_are_empty(self):
        rows = retention_rows(retention(ledger(), AS_OF, "month"), "month")
        assert [row.name for row in rows] == ["Jan\N{NO-BREAK SPACE}2024", "Feb\N{NO-BREAK SPACE}2024"]
        assert [cell is None for cell in rows[1].cells] == [False, False, False, True]
        assert rows[0].cells[1].text == "50"

    def test_the_share_that_returned_most_is_darkest(self):
        rows = retention_rows(retention(ledger(), AS_OF, "month"), "month")
        assert rows[1].cells[1].shade == "shade-7"
        assert rows[1].cells[2].shade == "shade-0"


@pytest.mark.parametrize(
    ("first", "period"),
    [(date(2023, 6, 1), "month"), (date(2022, 1, 1), "quarter"), (date(2015, 1, 1), "year")],
)
def test_a_triangle_has_few_enough_periods_to_be_read(first, period):
    assert suitable_period(first, AS_OF) == period
