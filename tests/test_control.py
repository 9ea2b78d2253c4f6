"""Control groups: random between customers, the same at every export, independent between lists."""

import hashlib

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from serving.listing.control import held_back, is_held_back

names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
shares = st.floats(0, 1)


@pytest.fixture(scope="module")
def engine():
    return ibis.duckdb.connect()


def chosen(engine, customers: list[str], name: str, share: float) -> list[bool]:
    table = ibis.memtable(pa.table({"row": range(len(customers)), "customer_id": pa.array(customers, pa.string())}))
    rows = table.mutate(held=held_back(table.customer_id, name, share)).order_by("row")
    return engine.to_pyarrow(rows)["held"].to_pylist()


@settings(max_examples=40, deadline=None)
@given(st.lists(ids, min_size=1, max_size=20), names, shares)
def test_engine_and_python_agree_on_every_customer_and_list(engine, customers, name, share):
    assert chosen(engine, customers, name, share) == [is_held_back(one, name, share) for one in customers]


@settings(max_examples=200, deadline=None)
@given(ids, names, shares)
def test_it_is_the_hash_that_decides(customer, name, share):
    number = int(hashlib.sha256(f"{name}\n{customer}".encode()).hexdigest()[:16], 16)
    assert is_held_back(customer, name, share) == (number / 2**64 < share or share == 1)


@settings(max_examples=100, deadline=None)
@given(ids, names, shares, shares)
def test_a_larger_share_keeps_those_who_were_held_back(customer, name, one, other):
    small, large = sorted((one, other))
    assert is_held_back(customer, name, large) or not is_held_back(customer, name, small)


@given(ids, names)
def test_a_share_of_nobody_and_of_everybody(customer, name):
    assert not is_held_back(customer, name, 0.0)
    assert is_held_back(customer, name, 1.0)


def test_the_order_of_customers_changes_nothing(engine):
    customers = [f"{number:06d}" for number in range(500)]
    held = dict(zip(customers, chosen(engine, customers, "Win back", 0.3), strict=True))
    backwards = customers[::-1]
    assert held == dict(zip(backwards, chosen(engine, backwards, "Win back", 0.3), strict=True))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("form", ["{}", "{:08d}", "customer-{}@shop", "顧客{}"])
def test_the_share_is_kept_whatever_customers_are_called(engine, share, form):
    held = sum(chosen(engine, [form.format(number) for number in range(20_000)], "Sommer ☀", share))
    assert stats.binomtest(held, 20_000, share).pvalue > 1e-4


def test_hashes_are_uniform_between_0_and_1():
    numbers = [
        int(hashlib.sha256(f"Win back\n{number}".encode()).hexdigest()[:16], 16) / 2**64 for number in range(20_000)
    ]
    assert stats.kstest(numbers, "uniform").pvalue > 1e-4
    held = [is_held_back(str(number), "Win back", 0.25) for number in range(20_000)]
    assert held == [number < 0.25 for number in numbers]


def test_two_lists_hold_back_independently(engine):
    customers = [str(number) for number in range(20_000)]
    one, other = (chosen(engine, customers, name, 0.5) for name in ("Win back", "Win back 2"))
    both = sum(a and b for a, b in zip(one, other, strict=True))
    assert stats.binomtest(both, 20_000, 0.25).pvalue > 1e-4
