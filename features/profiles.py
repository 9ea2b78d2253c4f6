"""Profiles: the customers table as it stands, and which of its columns predictions may be made from.

What identifies a person (names, addresses, numbers to call) is kept for those who write to customers, and never becomes
a feature: a model would learn single customers by heart, and carry their data wherever it goes.
"""

import re
from collections.abc import Collection
from typing import Any

from features.catalogue import catalogue
from features.families.attributes import MODEL_PREFIX, RESERVED, typed
from features.log import Log, source_name
from features.source import open_source
from features.transactions import as_text
from regulars.errors import LogError

WHOSE = "customer|contact|user|client|billing|shipping|home|work|primary|private"
PERSONAL = (
    "e?mail(adress|address|id)?|courriel|correo|phone(number|no)?|telephone(number)?|telefono|telefon(nummer)?|tel|fax"
    "|mobile(phone|number)?|cell(phone)?|handy|msisdn|name|(full|first|last|middle|given|family|nick|user|sur|fore)name"
    "|vorname|nachname|nom|prenom|nombre|apellidos?|address(line)?[0-9]?|adresse|street(address)?|strasse|rue"
    "|birthda(y|te)|dateofbirth|dob|geburtsdatum|ip(address)?|iban|passport|ssn|socialsecuritynumber"
)
PERSONAL_NAME = re.compile(f"({WHOSE})?({PERSONAL})")
"""Names, without capitals and signs, of columns that identify a person whatever they hold."""
FEW_VALUES = 20
ROWS_A_VALUE = 2.0
"""A text column of more values than that, on average of fewer customers each, names its customers."""


def open_profiles(connection: Any, log: Log) -> Any:
    """Return the customers table of a log: `customer_id` text, its other columns as they stand; None where none is.

    Text columns that hold nothing but numbers become float64, personal ones excepted.

    Raises
    ------
    LogError
        It has no `customer_id`, more than one row for a customer, or a column that is called like a feature.
    """
    if log.customers is None:
        return None
    name, table = source_name(log.customers), open_source(connection, log.customers)
    if "customer_id" not in table.columns:
        raise LogError(f"the customers table {name} has no column customer_id; it has {', '.join(table.columns)}")
    names = {column.casefold() for column in table.columns}
    taken = {*RESERVED, *catalogue().index} & names | {column for column in names if column.startswith(MODEL_PREFIX)}
    if taken:
        raise LogError(
            f"the customers table {name} calls a column {', '.join(sorted(taken))}, which is the name of a feature or "
            "an outcome: rename it"
        )
    table = table.mutate(customer_id=as_text(table.customer_id))
    repeated = table.group_by("customer_id").having(table.count() > 1).aggregate().limit(1).to_pyarrow()
    if repeated.num_rows:
        raise LogError(
            f"the customers table {name} has more than one row for customer {repeated['customer_id'][0]}: "
            "keep one row a customer"
        )
    return connection.create_table("profiles", typed(table, [name for name in table.columns if is_personal(name)]))


def is_personal(name: str) -> bool:
    """Tell whether a column of this name identifies a person."""
    return PERSONAL_NAME.fullmatch(re.sub(r"[\W_]", "", name.casefold())) is not None


def attributes_of(profiles: Any) -> Any:
    """Return `customer_id` and the columns of a customers table that predictions may be made from.

    Left out are personal columns, and text columns of more than `FEW_VALUES` values of which most are one customer's
    alone: ids, links, free text, names under another heading.
    """
    columns = [name for name in profiles.columns if not is_personal(name)]
    naming = _naming(profiles, columns)
    return profiles.select([name for name in columns if name not in naming])


def attributes_for(profiles: Any, attributes: Any, columns: Collection[str]) -> Any:
    """Return the attributes that are shown to a model with these columns.

    Whether a text column of many values names its customers may look different months after the training. What the
    model knows stays, and what it does not know of that kind stays away; any other column that it does not know is
    shown, and the model refuses it.
    """
    strange = [name for name in attributes.columns if name not in {*columns, "customer_id"}]
    many = {name for name, (values, _) in _counts(profiles, _texts(profiles, strange)).items() if values > FEW_VALUES}
    shown = {*attributes.columns, *columns} - many
    return profiles.select([name for name in profiles.columns if name in shown and not is_personal(name)])


def _naming(profiles: Any, columns: list[str]) -> set[str]:
    counts = _counts(profiles, _texts(profiles, columns))
    return {name for name, (values, rows) in counts.items() if values > max(FEW_VALUES, rows / ROWS_A_VALUE)}


def _counts(profiles: Any, columns: list[str]) -> dict[str, tuple[int, int]]:
    """Return how many values columns have, in how many rows that are not empty."""
    if not columns:
        return {}
    values = {f"values_{i}": profiles[name].nunique() for i, name in enumerate(columns)}
    rows = {f"rows_{i}": profiles[name].count() for i, name in enumerate(columns)}
    found = profiles.aggregate(**values, **rows).to_pyarrow().to_pylist()[0]
    return {name: (found[f"values_{i}"], found[f"rows_{i}"]) for i, name in enumerate(columns)}


def _texts(profiles: Any, columns: list[str]) -> list[str]:
    return [name for name in columns if name != "customer_id" and _is_text(profiles[name])]


def _is_text(column: Any) -> bool:
    kind = column.type()
    return not (kind.is_numeric() or kind.is_boolean())
