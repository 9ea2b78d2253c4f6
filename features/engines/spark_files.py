"""Files as Spark reads them, made to say what DuckDB reads in them."""

import gzip
from collections.abc import Sequence
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from regulars.errors import LogError

JSON_NUMBERS = ("bigint", "double")
NANOSECONDS = "spark.sql.legacy.parquet.nanosAsLong"
WALL_CLOCK = "TIMESTAMP_NTZ '1970-01-01' + make_dt_interval(0, 0, 0, CAST({0} DIV 1000 AS DECIMAL(18, 0)) / 1000000)"
MOMENT = "timestamp_micros({0} DIV 1000)"


def open_parquet(connection: Any, files: Sequence[str], folder: str | None = None) -> Any:
    """Read Parquet files, columns brought together by name; paths below a folder, where one is named, are columns."""
    connection.session.conf.set(NANOSECONDS, "true")
    options = {"mergeSchema": True} | ({} if folder is None else {"basePath": folder})
    frame = connection.session.read.options(**options).parquet(*files)
    return _named(connection, frame.selectExpr(*_columns(frame, pq.read_schema(files[0]))))


def open_csv(connection: Any, files: Sequence[str]) -> Any:
    """Read delimited files, everything as text, in the form that DuckDB finds in the first of them."""
    headers: dict[tuple[str, ...], list[str]] = {}
    forms = [_sniffed(file) for file in files]
    for file, form in zip(files, forms, strict=True):
        headers.setdefault(tuple(column["name"] for column in form["Columns"]), []).append(file)
    # Lines may break within quotes, so that a file is read by one task.
    reader = connection.session.read.options(
        header=forms[0]["HasHeader"], multiLine=True, mode="FAILFAST", escape='"', sep=forms[0]["Delimiter"]
    )
    parts = [
        reader.schema(", ".join(f"{_quoted(name)} STRING" for name in names)).csv(part)
        for names, part in headers.items()
    ]
    return _named(connection, _united(parts))


def open_json(connection: Any, files: Sequence[str]) -> Any:
    """Read numbers as numbers and everything else as text."""
    reader = connection.session.read.options(mode="FAILFAST", multiLine=_first_sign(files[0]) == "[")
    kinds = reader.json(list(files)).dtypes
    columns = (f"{_quoted(name)} {kind if kind in JSON_NUMBERS else 'STRING'}" for name, kind in kinds)
    return _named(connection, reader.schema(", ".join(columns)).json(list(files)))


def open_delta(connection: Any, table: Any) -> Any:
    """Read the files of a Delta table; what its paths say comes to its columns."""
    files, partitions = table.file_uris(), table.metadata().partition_columns
    if table.protocol().reader_features:
        raise LogError(f"{table.table_uri}: Spark reads no Delta table of these features here: read it with DuckDB")
    if not files:
        return show(connection, table.to_pyarrow_dataset().to_table())
    connection.session.conf.set("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
    found = open_parquet(connection, files, table.table_uri)
    kinds = ibis.Schema.from_pyarrow(pa.schema(table.schema()))
    return found.mutate(**{name: found[name].cast(kinds[name]) for name in partitions})


def show(connection: Any, data: Any) -> Any:
    """Send an Arrow table or data set of the driver to the executors."""
    table = data.to_table() if hasattr(data, "to_table") else pa.table(data)
    plain = [f.type.value_type if pa.types.is_dictionary(f.type) else f.type for f in table.schema]
    fields = [field.with_type(kind) for field, kind in zip(table.schema, plain, strict=True)]
    return _named(connection, connection.session.createDataFrame(table.cast(pa.schema(fields))))


def land(connection: Any, batches: Any) -> Any:
    """Send a stream of Arrow batches of the driver to the executors."""
    return show(connection, batches.read_all())


def _named(connection: Any, frame: Any) -> Any:
    return connection.view(frame, ibis.util.gen_name("log"))


def _columns(frame: Any, schema: pa.Schema) -> list[str]:
    """Return the columns of a frame, moments in nanoseconds as moments again: Spark reads those as whole numbers."""
    fine = {f.name: f.type.tz for f in schema if pa.types.is_timestamp(f.type) and f.type.unit == "ns"}
    kinds = dict(frame.dtypes)
    found = []
    for name, quoted in ((name, _quoted(name)) for name in frame.columns):
        if name in fine and kinds[name] == "bigint":
            quoted = (MOMENT if fine[name] else WALL_CLOCK).format(quoted) + f" AS {quoted}"
        found.append(quoted)
    return found


def _united(frames: list[Any]) -> Any:
    first, *others = frames
    for frame in others:
        first = first.unionByName(frame, allowMissingColumns=True)
    return first


def _sniffed(file: str) -> dict[str, Any]:
    with duckdb.connect() as engine:
        relation = engine.execute("FROM sniff_csv(?, all_varchar = true, quote = '\"', comment = '')", [file])
        row: dict[str, Any] = relation.to_arrow_table().to_pylist()[0]
    return row


def _first_sign(file: str) -> str:
    reading: Any = gzip.open if file.endswith(".gz") else open
    with reading(file, "rt", encoding="utf-8") as lines:
        return next((line.strip()[0] for line in lines if line.strip()), "")


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
