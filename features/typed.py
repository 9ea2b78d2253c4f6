"""Queries whose columns have the types that Ibis says they have: the sums of engines are often wider."""

from typing import Any

from sqlglot import exp


def typed_query(connection: Any, table: Any) -> str:
    """Return an Ibis table as a query of its connection, every column cast to the type that it is said to have."""
    kind_of = connection.compiler.type_mapper.to_string
    names = {name: exp.to_identifier(name, quoted=True).sql(connection.dialect) for name in table.columns}
    cast = ", ".join(
        f"CAST({names[name]} AS {kind_of(kind)}) AS {names[name]}" for name, kind in table.schema().items()
    )
    return f"SELECT {cast} FROM ({connection.compile(table)}) AS summed"  # noqa: S608  all names are quoted
