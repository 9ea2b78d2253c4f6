"""Random transaction logs for properties: several years of them, and everything that real logs hold."""

from datetime import date, datetime, timedelta
from random import Random

import pandas as pd
import pyarrow as pa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from features.ledger import build_ledger
from features.log import Log

FIRST_DAY = date(2019, 11, 1)
DAYS = 1_700
LEAP_DAYS = [(date(year, 2, 29) - FIRST_DAY).days for year in (2020, 2024)]
TODAY = date(2026, 11, 21)

# Every run builds a ledger: shrinking would take minutes.
RUNS = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

IDS = ["7", "007", "00007", "Zoë", "客户", "a,b", 'say "hi"', " 8", "NULL", "nan", "12345.0"]
CUSTOMERS = st.sampled_from(IDS) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
CENTS = st.integers(1, 50_000) | st.integers(-80_000, -1) | st.sampled_from([0, 1, 1999])
OPTIONAL = {
    "order_id": ["A-1", "A-2", "0001", None],
    "product_id": ["p1", "p2", "p,3", "Größe 4", "", None],
    "category": ["shirts", "shoes", None],
    "channel": ["web", "store"],
    "quantity": [1, 2, 12, 0, -3, 2.5, None],
}
SECONDS = [0, 43_200, 86_399]


@st.composite
def as_of_dates(draw):
    """Return an as-of date between the second day of the log and half a year after its last."""
    return FIRST_DAY + timedelta(days=draw(st.integers(1, DAYS + 180)))


ANY_COLUMNS = st.lists(st.sampled_from(sorted(OPTIONAL)), unique=True)


@st.composite
def random_logs(draw, columns=ANY_COLUMNS):
    """Return a log of few customers as a pandas table, with a purchase on its first day."""
    names = draw(columns)
    rows = [_row("anchor", 0, 2_500, names, lambda values: draw(st.sampled_from(values)))]
    for customer in draw(st.lists(CUSTOMERS, unique=True, min_size=6, max_size=15)):
        # Few days to choose from, so that some hold several rows.
        days = draw(st.lists(st.integers(0, DAYS) | st.sampled_from(LEAP_DAYS), min_size=1, max_size=6, unique=True))
        for day, cents in draw(st.lists(st.tuples(st.sampled_from(days), CENTS), min_size=1, max_size=12)):
            rows.append(_row(customer, day, cents, names, lambda values: draw(st.sampled_from(values))))
    return as_frame(rows)


def crowded_log(seed, columns=tuple(OPTIONAL), customers=100):
    """Return a log of many customers, from a handful of rows to dozens each, as a pandas table."""
    random = Random(seed)
    rows = [_row("anchor", 0, 2_500, columns, random.choice)]
    for customer in [*IDS, *(f"{n:05d}" for n in range(customers - len(IDS)))]:
        days = [random.choice([random.randint(0, DAYS), *LEAP_DAYS]) for _ in range(random.randint(1, 20))]
        for _ in range(random.randint(1, 30)):
            cents = random.choice([random.randint(1, 50_000), 1_999, 1_999, 0, -random.randint(1, 80_000)])
            rows.append(_row(customer, random.choice(days), cents, columns, random.choice))
    return as_frame(rows)


def _row(customer, day, cents, names, choose):
    return {
        "customer_id": customer,
        "timestamp": datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(days=day, seconds=choose(SECONDS)),
        "amount": cents / 100,
        **{name: choose(OPTIONAL[name]) for name in names},
    }


def as_frame(rows):
    """Return rows as a pandas table in which whole numbers, text and gaps keep their kinds."""
    return pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=_dtype(name)) for name in rows[0]})


def _dtype(name):
    return {"timestamp": "datetime64[us]", "amount": "float64", "quantity": "float64"}.get(name, "str")


def ledger_of(frame, **options):
    """Return the ledger of a pandas table, read as the Arrow table that it is."""
    return build_ledger(Log(pa.Table.from_pandas(frame, preserve_index=False), today=TODAY, **options))
