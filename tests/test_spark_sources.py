"""Whatever a log is kept in, Spark reads in it what DuckDB reads."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from features.engine import connect
from features.engines.spark_sql import spark_form
from features.ledger import build_ledger
from features.log import Columns, Log
from regulars.cli import main
from regulars.errors import LogError, RegularsError

LINES = (
    "customer_id;timestamp;amount;note",
    '007;2011-01-05 23:30:00+00:00;12.50;"two ""lines""\nof text"',
    "0007;2011-01-06;3.5;",
    " 8;2011/2/7 10:00;1e2;#1",
    "9;12:30;5;",
    "9;2011;5;",
    "9;2011-03-01T10:00:00Z;5d;",
    "9;2011-03-01T10:00:00.25+05:30; 7.25 ;",
    ";2011-03-02;5;",
    "10;2011-03-03;-2.345678;",
)
JSON = (
    '{"customer_id": 12345, "timestamp": "2011-01-05", "amount": 3.5, "basket": {"a": 1}}',
    '{"customer_id": 7, "timestamp": "2011-02-05 10:00:00", "amount": "x"}',
    '{"customer_id": null, "timestamp": null, "amount": 1}',
    '{"customer_id": 8, "timestamp": "2011-02-06", "amount": 2, "channel": true}',
)
MOMENTS = [datetime(2011, 3, day, hour, 30, tzinfo=UTC) for day in (26, 27, 28) for hour in (0, 1, 22, 23)]
ROWS = pa.table({"customer_id": [f"{n:03d}" for n in range(12)], "amount": [1.0 + n / 8 for n in range(12)]})

pytestmark = pytest.mark.slow


def both(log, spark):
    return build_ledger(log), build_ledger(log, engine=spark)


def assert_same(log, spark):
    """Assert that the ledgers of one log are the same from either engine; return the first one."""
    ours, theirs = both(log, spark)
    expected, found = (ledger.days.order_by("customer_id", "day").to_pyarrow() for ledger in (ours, theirs))
    assert found.select(expected.column_names).equals(expected)
    assert (theirs.fingerprint, theirs.quality) == (ours.fingerprint, ours.quality)
    return ours


def tolerant(source, **columns):
    return Log(source, Columns(**columns), time_zone="Europe/Paris", max_bad_share=1.0)


class TestFiles:
    def test_delimited_text_with_dates_numbers_and_ids_as_people_write_them(self, spark, tmp_path):
        (tmp_path / "log.csv").write_text("\n".join(LINES) + "\n", encoding="utf-8")
        ours = assert_same(tolerant(tmp_path / "log.csv"), spark)
        assert ours.quality.problems == {"no customer": 1, "no readable date": 2, "amount is not a number": 1}

    def test_files_of_different_columns_are_brought_together_by_name(self, spark, tmp_path):
        (tmp_path / "1.csv").write_text("customer_id,timestamp,amount\na,2011-01-01,1\nb,2011-01-02,2\n")
        (tmp_path / "2.csv").write_text("amount,channel,customer_id,timestamp\n3,web,a,2011-02-01\n")
        ours = assert_same(Log(tmp_path), spark)
        assert ours.quality.net == 6

    def test_dates_of_a_form_that_is_told(self, spark, tmp_path):
        (tmp_path / "log.csv").write_text("customer_id,timestamp,amount\na,1/5/2011,1\nb,31.12.2011,2\nc,28/2/2011,3\n")
        ours = assert_same(tolerant(tmp_path / "log.csv", timestamp_format="%d/%m/%Y"), spark)
        assert (ours.span.first_day, ours.span.last_day) == (date(2011, 2, 28), date(2011, 5, 1))

    def test_lines_of_json(self, spark, tmp_path):
        (tmp_path / "log.jsonl").write_text("\n".join(JSON) + "\n", encoding="utf-8")
        assert assert_same(tolerant(tmp_path / "log.jsonl"), spark).quality.used_rows == 2

    def test_a_delta_table_in_partitions(self, spark, tmp_path):
        days = pa.array([date(2011, 1, 1) + timedelta(days=n // 3) for n in range(12)])
        rows = ROWS.append_column("timestamp", days).append_column("channel", pa.array(["web/app", None, "shop"] * 4))
        write_deltalake(tmp_path / "log", rows, partition_by=["timestamp", "channel"])
        assert assert_same(Log(tmp_path / "log"), spark).quality.buyers == 12

    def test_a_file_that_breaks_off_is_refused_by_name(self, spark, tmp_path):
        (tmp_path / "log.parquet").write_bytes(b"PAR1 and then nothing")
        with pytest.raises(LogError, match=r"log\.parquet cannot be read"):
            build_ledger(Log(tmp_path / "log.parquet"), engine=spark)


class TestMoments:
    """Days begin in the business time zone, here on the weekend in which summer time begins."""

    @pytest.mark.parametrize("unit", ["us", "ns"])
    def test_moments_fall_on_their_day_there_and_wall_clocks_stay(self, spark, tmp_path, unit):
        moments = pa.array(MOMENTS, pa.timestamp(unit, "UTC"))
        walls = pa.array([moment.replace(tzinfo=None) for moment in MOMENTS], pa.timestamp(unit))
        pq.write_table(ROWS.append_column("timestamp", moments), tmp_path / "moments.parquet")
        pq.write_table(ROWS.append_column("timestamp", walls), tmp_path / "walls.parquet")
        moved = assert_same(tolerant(tmp_path / "moments.parquet"), spark)
        stayed = assert_same(tolerant(tmp_path / "walls.parquet"), spark)
        assert (moved.span.last_day, stayed.span.last_day) == (date(2011, 3, 29), date(2011, 3, 28))

    def test_a_table_of_pandas(self, spark):
        rows = ROWS.to_pandas().assign(timestamp=MOMENTS, channel=pd.Categorical(["web", "shop"] * 6))
        assert_same(tolerant(rows), spark)


class TestCustomers:
    def test_a_customers_table_comes_along(self, spark, tmp_path):
        rows = ROWS.append_column("timestamp", pa.array(MOMENTS))
        names = [f"{n:03d}" for n in range(0, 12, 2)]
        people = {"customer_id": names, "age": ["40", "41", "", "43", "44", "45"], "plan": ["a", "b"] * 3}
        pd.DataFrame(people).to_csv(tmp_path / "customers.csv", index=False)
        ours, theirs = both(Log(rows, customers=tmp_path / "customers.csv"), spark)
        expected, found = (
            x.customers.to_pandas().sort_values("customer_id", ignore_index=True) for x in (ours, theirs)
        )
        pd.testing.assert_frame_equal(found, expected)


class TestCommand:
    def test_one_flag_moves_the_work(self, spark, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        pq.write_table(ROWS.append_column("timestamp", pa.array(MOMENTS)), "log.parquet")
        for engine, out in (("duckdb", "ours.parquet"), (spark, "theirs.parquet")):
            monkeypatch.setenv("REGULARS_ENGINE", engine)
            with pytest.raises(SystemExit) as left:
                main(["features", "log.parquet", "--out", out, "--quiet"])
            assert left.value.code == 0, capsys.readouterr().err
        expected, found = (pd.read_parquet(name) for name in ("ours.parquet", "theirs.parquet"))
        pd.testing.assert_frame_equal(found, expected, rtol=1e-9)

    def test_an_engine_that_is_none_is_refused(self):
        with pytest.raises(RegularsError, match="there is no engine 'sparkle': duckdb, or the master of a Spark"):
            connect(engine="sparkle")

    def test_a_second_master_is_refused(self, spark):
        connect(engine=spark)
        with pytest.raises(RegularsError, match="runs in this process with local-cluster"):
            connect(engine="local[1]")

    def test_a_machine_without_java_is_told_so(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("JAVA_HOME", raising=False)
        with pytest.raises(RegularsError, match="needs Java 17 or 21"):
            connect(engine="local[1]")


class TestForms:
    @pytest.mark.parametrize(
        ("form", "expected"),
        [
            ("%d/%m/%Y", "d/M/yyyy"),
            ("%Y%m%d", "yyyyMMdd"),
            ("%d.%m.%y %H:%M", "d.M.yy H:m"),
            ("%m/%d/%Y %I:%M %p", "M/d/yyyy h:m a"),
            ("%Y-%m-%dT%H:%M:%S.%f%z", "yyyy-M-d'T'H:m:s.SSSSSSxx"),
        ],
    )
    def test_a_strptime_form_is_spelt_as_spark_does(self, form, expected):
        assert spark_form(form) == expected

    def test_what_spark_cannot_read_is_refused(self):
        with pytest.raises(LogError, match="Spark cannot read %U"):
            spark_form("%Y %U")
