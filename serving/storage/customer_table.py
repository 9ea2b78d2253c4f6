"""The table `customers/` of a store: who the customers of the newest scoring are, one row each.

`customer_id`, `first_day` (of the first purchase), `channel` (by which they came: the customers table's
`acquisition_channel` or `channel`, else the log's channel at the first purchase), `acquisition_cost`, `margin_rate`;
then the columns of the customers table as they stand, names and addresses too. A column of it that is called like one
of these stands under its name and `_given`.
"""

from pathlib import Path
from typing import Any

import ibis
from deltalake import write_deltalake

from features.ledger import Ledger
from features.sales import first_channels
from features.snapshot import BATCH_ROWS
from serving.storage.delta import version_of
from serving.valuation.acquisition import CHANNELS, Acquisition
from serving.valuation.margins import Margins

OWN = ("customer_id", "first_day", "channel", "acquisition_cost", "margin_rate")
UNKNOWN_CHANNEL = "unknown"


def known_customers(known: Ledger, margins: Margins, acquisition: Acquisition) -> Any:
    """Return the customers of a ledger as an Ibis table with the columns of the store.

    Parameters
    ----------
    known
        The ledger before the as-of date.
    margins, acquisition
        What was given of money.
    """
    first = known.days.filter(known.days.purchase_number == 1).select("customer_id", first_day="day")
    channels = first_channels(known)
    customers = first.mutate(channel=ibis.null("string"))
    if channels is not None:
        customers = first.left_join(channels, "customer_id").drop("customer_id_right")
    own: dict[str, str] = {}
    if known.profiles is not None:
        own = {name: f"{name}_given" if name in OWN[1:] else name for name in known.profiles.columns}
        profiles = known.profiles.select(**{f"given_{name}": known.profiles[name] for name in own})
        customers = customers.left_join(profiles, customers.customer_id == profiles.given_customer_id)
        own.pop("customer_id")
        customers = customers.mutate(channel=_channel(customers, own))
    if acquisition.column is not None:
        customers = customers.mutate(**{acquisition.column: customers[f"given_{acquisition.column}"]})
    customers = customers.mutate(acquisition_cost=acquisition.cost_of(customers))
    customers = margins.rate_of(customers, known.connection)
    return customers.select(*OWN, **{shown: customers[f"given_{name}"] for name, shown in own.items()})


def write_customers(path: Path, customers: Any) -> dict[str, Any]:
    """Replace the table in one commit; return its `version`."""
    write_deltalake(
        str(path),
        customers.order_by("customer_id").to_pyarrow_batches(chunk_size=BATCH_ROWS),
        mode="overwrite",
        schema_mode="overwrite",
    )
    return {"version": version_of(path)}


def _channel(customers: Any, own: dict[str, str]) -> Any:
    named = [customers[f"given_{name}"].cast("string").nullif("") for name in CHANNELS if name in own]
    return ibis.coalesce(*named, customers.channel)
