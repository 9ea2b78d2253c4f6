"""The training table: windows that were over by the as-of date, what came of them, a fair sample of customers."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from features.ledger import build_ledger
from features.log import Log
from features.snapshot import snapshot
from features.window import schedule
from regulars.errors import HistoryError
from training.table import OUTCOMES, training_table

AS_OF, HORIZON = date(1998, 2, 1), 60
EVERYBODY = 10**9


@pytest.fixture(scope="module")
def plan(sample_ledger):
    return schedule(sample_ledger.span, AS_OF, HORIZON)


@pytest.fixture(scope="module")
def table(sample_ledger, plan):
    return training_table(sample_ledger, plan, 3_000)


@pytest.fixture(scope="module")
def everybody(sample_ledger, plan):
    return training_table(sample_ledger, plan, EVERYBODY)


def happened(rows, as_of, days):
    """Return the outcome of everybody who bought before an as-of date, worked out from the rows of the log."""
    daily = rows.assign(gross=rows["amount"].clip(lower=0)).groupby(["customer_id", "timestamp"], as_index=False)
    daily = daily[["amount", "gross"]].sum().assign(day=lambda sums: pd.to_datetime(sums["timestamp"]))
    start = pd.Timestamp(as_of)
    known = daily[(daily["day"] < start) & (daily["gross"] > 0)]["customer_id"].unique()
    ahead = daily[(daily["day"] >= start) & (daily["day"] < start + pd.Timedelta(days=days))]
    sums = ahead.assign(bought=ahead["gross"] > 0).groupby("customer_id")[["amount", "bought"]].sum()
    return sums.reindex(known, fill_value=0).rename_axis("customer_id")


def dates_of(table):
    return sorted({stamp.date() for stamp in table.index.get_level_values("as_of")})


def of_length(table, days):
    return table[table["ahead_days"] == days]


def lessons_of(plan):
    """Return the as-of dates of a schedule by length of their windows."""
    return {plan.window_days: plan.cutoffs} | {lesson.window_days: lesson.cutoffs for lesson in plan.others}


@pytest.mark.parametrize("horizon", [7, 30, 90, 365, 700])
@pytest.mark.parametrize("as_of", [date(1997, 12, 20), AS_OF, date(1998, 7, 1), date(1998, 9, 1)])
def test_every_past_window_ends_at_or_before_the_as_of_date_and_the_end_of_the_log(sample_ledger, as_of, horizon):
    plan = schedule(sample_ledger.span, as_of, horizon)
    for days, cutoffs in lessons_of(plan).items():
        assert max(cutoffs) + timedelta(days=days) <= min(as_of, sample_ledger.span.end)
        assert min(cutoffs) > sample_ledger.span.first_day


@pytest.mark.parametrize(("as_of", "horizon"), [(date(1998, 9, 1), 540), (date(1997, 5, 1), 60)])
def test_nothing_else_is_learnt_from(sample_ledger, as_of, horizon):
    plan = schedule(sample_ledger.span, as_of, horizon)
    table = training_table(sample_ledger, plan, 200)
    lessons = {days: cutoffs for days, cutoffs in lessons_of(plan).items() if cutoffs}
    # Longer windows teach where the horizon is longer than any.
    assert plan.extrapolates is (max(lessons) > plan.window_days)
    assert set(table["ahead_days"]) == set(lessons)
    for days, cutoffs in lessons.items():
        assert set(dates_of(of_length(table, days))) <= set(cutoffs)
    assert dates_of(of_length(table, plan.window_days)) == sorted(plan.cutoffs)
    ends = table.index.get_level_values("as_of") + pd.to_timedelta(table["ahead_days"].to_numpy(), unit="D")
    assert ends.max() <= pd.Timestamp(as_of)


def test_it_is_one_row_a_customer_date_and_length_in_order_whole_windows_first(table, plan):
    assert table.index.names == ["as_of", "customer_id"]
    assert list(table["ahead_days"].unique()) == [60, 30]
    for days, cutoffs in lessons_of(plan).items():
        rows = of_length(table, days)
        assert rows.index.is_unique
        assert rows.index.is_monotonic_increasing
        assert dates_of(rows) == sorted(cutoffs)
    assert (table["ahead_days"].diff().dropna() != 0).sum() == 1


def test_it_has_the_columns_of_the_snapshot_then_the_outcomes(table, sample_ledger, plan):
    known = snapshot(sample_ledger, plan.cutoffs[0], plan.window_days)
    assert list(table.columns) == [*known.columns[2:], *OUTCOMES]


def test_features_are_those_of_the_snapshot_at_each_date(table, sample_ledger, plan):
    for as_of in (plan.cutoffs[0], plan.cutoffs[-1]):
        known = snapshot(sample_ledger, as_of, plan.window_days).to_pandas().set_index("customer_id")
        rows = of_length(table, 60).loc[pd.Timestamp(as_of)].drop(columns=list(OUTCOMES))
        pd.testing.assert_frame_equal(rows, known.loc[rows.index, rows.columns], check_exact=True)


def test_features_look_back_by_the_window_that_is_predicted_whatever_the_length_of_the_outcome(
    table, sample_ledger, plan
):
    cutoff = plan.others[0].cutoffs[0]
    known = snapshot(sample_ledger, cutoff, 60).to_pandas().set_index("customer_id")
    rows = of_length(table, 30).loc[pd.Timestamp(cutoff)].drop(columns=list(OUTCOMES))
    pd.testing.assert_frame_equal(rows, known.loc[rows.index, rows.columns], check_exact=True)


def test_outcomes_are_what_the_log_says_of_each_window(everybody, cdnow_sample, plan):
    for days, cutoffs in lessons_of(plan).items():
        for as_of in cutoffs:
            rows = of_length(everybody, days).loc[pd.Timestamp(as_of)]
            truth = happened(cdnow_sample, as_of, days)
            assert set(rows.index) == set(truth.index)
            truth = truth.loc[rows.index]
            assert rows["net_spend"].to_numpy() == pytest.approx(truth["amount"].clip(lower=0).to_numpy(), abs=1e-9)
            assert np.array_equal(rows["outcome_days"], truth["bought"])
            assert np.array_equal(rows["churned"], truth["bought"] == 0)


def test_refunds_lower_the_spend_of_a_window_to_no_less_than_nothing():
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(120)]
    rows = [("a", days[0], 10.0), ("b", days[0], 10.0), ("a", days[100], 30.0), ("a", days[101], -12.0)]
    rows += [("b", days[100], 5.0), ("b", days[101], -40.0), ("c", days[119], 1.0)]
    ledger = build_ledger(Log(pd.DataFrame(rows, columns=["customer_id", "timestamp", "amount"])))
    table = training_table(ledger, schedule(ledger.span, date(2024, 4, 30), 30), EVERYBODY)
    whole = of_length(table, 30)
    newest = whole.loc[whole.index.get_level_values("as_of").max()]
    assert newest["net_spend"].to_dict() == {"a": 18.0, "b": 0.0}
    assert newest["outcome_days"].to_dict() == {"a": 1.0, "b": 1.0}
    assert not newest["churned"].any()


def test_no_window_that_the_log_does_not_cover_is_learnt_from(sample_ledger, plan):
    with pytest.raises(HistoryError, match="outcome of 60 days from"):
        training_table(sample_ledger.before(AS_OF - timedelta(days=1)), plan, 100)


def test_the_sample_is_the_same_every_time_and_for_any_order_of_the_log(table, cdnow_sample, plan):
    shuffled = build_ledger(Log(cdnow_sample.sample(frac=1, random_state=0)))
    pd.testing.assert_frame_equal(training_table(shuffled, plan, 3_000), table, check_exact=True)


def test_a_larger_sample_holds_the_smaller_one(table, everybody, sample_ledger, plan):
    larger = training_table(sample_ledger, plan, 6_000)
    assert table.index.isin(larger.index).all()
    assert larger.index.isin(everybody.index).all()
    pd.testing.assert_frame_equal(larger.loc[table.index], table, check_exact=True)


def test_every_date_gives_about_as_many_rows(table, plan):
    asked = 3_000 / len(plan.cutoffs)
    for _, rows in table.groupby("as_of"):
        assert abs(len(rows) - asked) < 4 * np.sqrt(asked)


def test_the_sample_is_uniform_over_customers(table, everybody):
    # Whatever divides the customers, each part is drawn alike: within four standard errors of its share.
    ids = everybody.index.get_level_values("customer_id")
    parts = {
        "one-time buyers": everybody["purchase_days"] == 1,
        "recent buyers": everybody["recency_days"] <= everybody["recency_days"].median(),
        "early customers": everybody["tenure_days"] > everybody["tenure_days"].median(),
        "big spenders": everybody["spend"] > everybody["spend"].quantile(0.8),
        "those who came back": ~everybody["churned"],
        "the first half of the ids": ids <= np.median(ids.astype(int)).astype(int).astype(str).zfill(5),
    }
    drawn = everybody.index.isin(table.index)
    for name, part in parts.items():
        share = part.mean() if isinstance(part, pd.Series) else np.mean(part)
        assert 0.05 < share < 0.95, name
        error = np.sqrt(share * (1 - share) / drawn.sum())
        assert abs(np.asarray(part)[drawn].mean() - share) < 4 * error, name


def test_each_date_draws_customers_of_its_own(table):
    drawn = [set(rows.index.get_level_values("customer_id")) for _, rows in table.groupby("as_of")]
    again = [len(one & other) / len(one) for one, other in pairwise(drawn)]
    assert max(again) < 0.3
