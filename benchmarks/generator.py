"""Made-up transaction logs of any size, sorted by time as real ones are, in memory that grows with customers only."""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.population import (
    LINES_AN_ORDER,
    REFUND_SHARE,
    IntArray,
    Population,
    Shape,
    daily_buyers,
    population,
    season,
)

ROW_GROUP_ROWS = 1_000_000
SPEND_SHAPE = 3.0
"""Of the gamma distribution of one customer's purchases."""
REFUND_DAYS, WHOLE_REFUND_SHARE = 30, 0.7
PRODUCTS, CATEGORIES = 5_000, 40
MICROSECONDS = 1_000_000


class Rows:
    """Turns a day's buyers into rows, and remembers which refunds fall due later."""

    def __init__(self, shape: Shape, people: Population, rng: np.random.Generator) -> None:
        self.shape, self.people, self.rng = shape, people, rng
        width = max(8, len(str(shape.customers)) + 1)
        numbers = pc.cast(pa.array(rng.permutation(shape.customers) + 1), pa.string())
        self.ids = pc.utf8_lpad(numbers, width, "0")
        self.due: dict[int, list[dict[str, NDArray]]] = defaultdict(list)
        self.placed = 0
        self.popularity = np.cumsum(1 / np.arange(1, PRODUCTS + 1) ** 0.9)

    def of_day(self, day: int, buyers: IntArray) -> pa.Table:
        """Return the rows of a day, in the order of their time."""
        bought = self._bought(buyers)
        self._plan_refunds(day, bought)
        parts = [bought, *self.due.pop(day, [])]
        rows = {name: np.concatenate([part[name] for part in parts]) for name in bought}
        begins = np.datetime64(self.shape.start + timedelta(days=day), "us").astype(np.int64)
        rows["time"] = begins + rows["second"] * MICROSECONDS
        order = np.argsort(rows["time"], kind="stable")
        return self._table({name: values[order] for name, values in rows.items()})

    def _bought(self, buyers: IntArray) -> dict[str, NDArray]:
        rng, n = self.rng, len(buyers)
        # Shops are busy between nine and nine, busiest in the late afternoon.
        second = ((9 + 12 * rng.beta(2.5, 2.0, size=n)) * 3600).astype(np.int64)
        order = self.placed + np.arange(n)
        self.placed += n
        if self.shape.orders:
            lines = rng.geometric(1 / LINES_AN_ORDER, size=n)
            buyers, second, order = np.repeat(buyers, lines), np.repeat(second, lines), np.repeat(order, lines)
        amount = self.people.spend[buyers] * rng.gamma(SPEND_SHAPE, 1 / SPEND_SHAPE, size=len(buyers))
        rows = {"buyer": buyers, "second": second, "order": order, "amount": np.maximum(np.round(amount, 2), 0.01)}
        if self.shape.products:
            points = rng.random(len(buyers)) * self.popularity[-1]
            rows["product"] = np.searchsorted(self.popularity, points).astype(np.int64)
        return rows

    def _plan_refunds(self, day: int, bought: dict[str, NDArray]) -> None:
        rng = self.rng
        chosen = np.flatnonzero(rng.random(len(bought["buyer"])) < REFUND_SHARE)
        later = rng.integers(1, REFUND_DAYS + 1, size=len(chosen))
        part = np.where(rng.random(len(chosen)) < WHOLE_REFUND_SHARE, 1.0, rng.random(len(chosen)))
        for delay in np.unique(later) if len(chosen) else ():
            these = {name: values[chosen[later == delay]] for name, values in bought.items()}
            these["amount"] = -np.maximum(np.round(these["amount"] * part[later == delay], 2), 0.01)
            self.due[day + int(delay)].append(these)

    def _table(self, rows: dict[str, NDArray]) -> pa.Table:
        columns = {
            "customer_id": self.ids.take(pa.array(rows["buyer"])),
            "timestamp": pa.array(rows["time"]).cast(pa.timestamp("us")),
            "amount": pa.array(rows["amount"]),
        }
        if self.shape.orders:
            columns["order_id"] = pc.binary_join_element_wise("o", pc.cast(pa.array(rows["order"]), pa.string()), "")
        if self.shape.products:
            names = pc.utf8_lpad(pc.cast(pa.array(rows["product"]), pa.string()), 5, "0")
            kinds = pc.cast(pa.array(rows["product"] % CATEGORIES), pa.string())
            columns["product_id"] = pc.binary_join_element_wise("p", names, "")
            columns["category"] = pc.binary_join_element_wise("c", kinds, "")
        return pa.table(columns)


def write_log(shape: Shape, path: Path) -> int:
    """Write a log as Parquet, about a million rows a row group, and return its number of rows."""
    rng = np.random.default_rng(shape.seed)
    busy = season(shape)
    people = population(shape, busy, rng)
    rows = Rows(shape, people, rng)
    pending: list[pa.Table] = []
    written, writer = 0, None
    for day, buyers in enumerate(daily_buyers(people, busy, rng)):
        pending.append(rows.of_day(day, buyers))
        if sum(map(len, pending)) >= ROW_GROUP_ROWS or day == shape.days - 1:
            table = pa.concat_tables(pending)
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
            written, pending = written + len(table), []
    if writer is not None:
        writer.close()
    return written


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags and write the log."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generator", description=__doc__)
    parser.add_argument("out", type=Path, help="Parquet file to write")
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--purchases", type=int, default=20_000_000, help="rows, refunds among them")
    parser.add_argument("--years", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--start", type=date.fromisoformat, default=date(2024, 1, 1))
    parser.add_argument("--orders", action="store_true", help="rows are lines of orders, with an order_id")
    parser.add_argument("--products", action="store_true", help="rows name a product_id and its category")
    flags = vars(parser.parse_args(arguments))
    out = flags.pop("out")
    print(f"{write_log(Shape(**flags), out):,} rows in {out}")


if __name__ == "__main__":
    main()
