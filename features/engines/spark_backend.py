"""Ibis' Spark backend, its results in Arrow: what comes to the driver comes partition by partition."""

import weakref
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from ibis.backends.pyspark import Backend
from ibis.backends.pyspark.datatypes import PySparkSchema
from ibis.formats.pandas import PandasData
from ibis.formats.pyarrow import PyArrowSchema
from pyspark.sql.pandas.types import from_arrow_schema

from features.engines.spark_sql import SparkCompiler


class SparkBackend(Backend):  # type: ignore[misc]
    """A session of Spark as an Ibis connection."""

    compiler = SparkCompiler()

    @property
    def session(self) -> Any:
        """Spark's session."""
        return self._session

    def frame(self, table: Any) -> Any:
        """Return an Ibis table as a data frame of Spark, of which nothing has been worked out yet."""
        self._run_pre_execute_hooks(table)
        return self._session.sql(self.compile(table))

    def map(self, table: Any, function: Any, schema: pa.Schema) -> Any:
        """Return what a function from Arrow batches to Arrow batches makes of each partition, in the executors."""
        return self.frame(table).mapInArrow(function, from_arrow_schema(schema))

    def view(self, frame: Any, name: str) -> Any:
        """Return a data frame of Spark as an Ibis table."""
        frame.createOrReplaceTempView(name)
        return self.table(name)

    def create_table(self, name: str, table: Any, /, *, overwrite: bool = False) -> Any:
        """Work out a table once and keep it in the executors; what is lost with one of them is worked out again."""
        if overwrite:
            self.drop_table(name, force=True)
        # Spark's sums and cases are narrower here and there than Ibis has it.
        kept = self.frame(table).to(PySparkSchema.from_ibis(table.schema())).cache()
        kept.count()
        weakref.finalize(self, kept.unpersist).atexit = False
        self._cached_dataframes[name] = kept
        return self.view(kept, name)

    def drop_table(self, name: str, /, *, force: bool = False) -> None:
        """Let go of a table that `create_table` made."""
        if name in self._cached_dataframes or not force:
            self._drop_cached_table(name)

    def execute(self, expr: Any, /, **settings: Any) -> Any:
        """Return what an expression gives as pandas have it."""
        table = expr.as_table()
        found = self.to_pyarrow(table, **settings).to_pandas()
        return expr.__pandas_result__(PandasData.convert_table(found, table.schema()))

    def to_pyarrow(self, expr: Any, /, *, limit: int | None = None, **_: Any) -> Any:
        """Return what an expression gives in Arrow."""
        table = expr.as_table()
        found = self.frame(table if limit is None else table.limit(limit)).toArrow()
        return expr.__pyarrow_result__(_typed(found, PyArrowSchema.from_ibis(table.schema())))

    def to_pyarrow_batches(self, expr: Any, /, *, chunk_size: int = 1_000_000, **_: Any) -> pa.RecordBatchReader:
        """Stream what a table gives, in its order, one partition after the other."""
        table = expr.as_table()
        schema = PyArrowSchema.from_ibis(table.schema())
        rows = self.frame(table).mapInArrow(_packed, "batches binary").toLocalIterator(prefetchPartitions=True)
        found = (part for row in rows for part in _unpacked(row.batches, schema, chunk_size))
        return pa.RecordBatchReader.from_batches(schema, found)

    def _register_udfs(self, expr: Any) -> None:
        # All functions are SQL's or `spark_sql.FUNCTIONS`; Ibis stumbles over types of theirs that Spark has not.
        pass

    def _register_in_memory_table(self, op: Any) -> None:
        self._session.createDataFrame(op.data.to_pyarrow(op.schema)).createOrReplaceTempView(op.name)


def _packed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        yield pa.record_batch({"batches": pa.array([sink.getvalue().to_pybytes()], pa.binary())})


def _unpacked(packed: bytes, schema: pa.Schema, rows: int) -> Iterator[pa.RecordBatch]:
    with pa.ipc.open_stream(packed) as reader:
        yield from _typed(reader.read_all(), schema).to_batches(max_chunksize=rows)


def _typed(found: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = []
    for column, field in zip(found.columns, schema, strict=True):
        # Spark knows no number without a sign: the bits are the same.
        same_bits = pa.types.is_int64(column.type) and pa.types.is_uint64(field.type)
        columns.append(pa.chunked_array([part.view(field.type) for part in column.chunks]) if same_bits else column)
    return pa.Table.from_arrays(columns, names=schema.names).cast(schema)
