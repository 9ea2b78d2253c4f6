"""Fingerprints: what identifies the content of a ledger, whatever the order of its rows."""

import hashlib
from functools import reduce
from operator import itemgetter, xor
from typing import Any

import ibis

SEQUENCE = ("purchase", "purchase_number", "gap_days", "next_purchase", "month")
"""Columns of the ledger that follow from its others."""
PRIME = 2**31 - 1
"""Remainders of it can be multiplied in 64 bits."""
DAY_FACTORS = (1_931_515_794, 1_999_999_973)
"""Below `PRIME`: neighbouring days get masks that have nothing in common."""


@ibis.udf.scalar.builtin(name="md5_number_lower", signature=(("string",), "uint64"))  # type: ignore[untyped-decorator,unused-ignore]
def _md5_lower(text):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the lower half of the MD5 of a text as a number."""


def fingerprint(days: Any) -> str:
    """Return sixteen hexadecimal digits that identify the content of a ledger, whatever its row order."""
    customers = days.group_by("customer_id").aggregate(days=_of_day(days).bit_xor())
    digest = customers.aggregate(digest=_of_customer(customers)).to_pyarrow()["digest"][0].as_py()
    return f"{digest or 0:016x}"


def month_of(days: Any) -> Any:
    """Return the month of each day as text, such as 2011-09."""
    return days.day.strftime("%Y-%m")


def month_fingerprints(days: Any) -> dict[str, str]:
    """Return, by month, sixteen hexadecimal digits that identify what a ledger holds of it."""
    months = days.group_by("customer_id", month=days.day.truncate("M")).aggregate(days=_of_day(days).bit_xor())
    found = months.group_by("month").aggregate(digest=_of_customer(months)).to_pyarrow().to_pylist()
    return {f"{row['month']:%Y-%m}": f"{row['digest']:016x}" for row in sorted(found, key=itemgetter("month"))}


def _of_customer(customers: Any) -> Any:
    # Texts are dear to digest, so a customer's days are numbers. No two customers are the same, and exclusive or does
    # not depend on their order.
    return _md5_lower(customers.customer_id + "|" + customers.days.cast("string")).bit_xor()


def _of_day(days: Any) -> Any:
    """Return a number made of a day and of all values of a row: products of pairs, each value masked by day and name.

    As in the hash NH of UMAC (RFC 4418): the masks make a change in one value, or values that change places, change
    the sum of products.
    """
    day = days.day.delta(ibis.date(1970, 1, 1), unit="day").cast("int64")
    mask = (day * _whole(DAY_FACTORS[0])) % _whole(PRIME) * _whole(DAY_FACTORS[1])
    names = sorted(name for name in days.columns if name not in (*SEQUENCE, "customer_id", "day"))
    values = [(days[name].cast("int64").fill_null(0) ^ mask ^ _whole(_own(name))) % _whole(PRIME) for name in names]
    if len(values) % 2:
        values.append((mask ^ _whole(_own(""))) % _whole(PRIME))
    return reduce(xor, (one * other for one, other in zip(values[::2], values[1::2], strict=True)))


def _own(name: str) -> int:
    """Return the number of a column: any that is as good as drawn, and the same for ever."""
    return int.from_bytes(hashlib.md5(name.encode(), usedforsecurity=False).digest()[:8], "big") >> 2


def _whole(value: int) -> Any:
    return ibis.literal(value, "int64")
