"""Written lists: what is written can be read back, harms no spreadsheet, and is whole or not there at all."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.errors import RegularsError
from serving.exports import format_of, write_list
from serving.exports.cells import FORMULA_STARTS

SCORES = pa.table({"customer_id": ["007", "c2"], "clv": [10.0, None], "reasons": [["far away", "one order"], None]})


def written(tmp_path, table: pa.Table, kind: str) -> bytes:
    path = tmp_path / f"list.{kind}"
    assert write_list(table.to_reader(max_chunksize=2), path, kind) == table.num_rows
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    content = path.read_bytes()
    path.unlink()
    return content


def read_csv(content: bytes, schema: pa.Schema) -> pa.Table:
    return pyarrow.csv.read_csv(
        io.BytesIO(content),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=schema, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
        ),
    )


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
tricky = st.sampled_from(
    ["007", "0", "", 'say "hi"', "a,b", "two\nlines", "two\r\nlines", "'quoted'", "Zoë", "顧客", "NA", "null"]
)
harmless = (text | tricky).filter(lambda cell: not cell.startswith(FORMULA_STARTS))
finite = st.floats(allow_nan=False, allow_infinity=False)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
SCHEMA = pa.schema(
    {
        "customer_id": pa.string(),
        "clv": pa.float64(),
        "frequency": pa.int64(),
        "consent": pa.bool_(),
        "as_of": pa.date32(),
        "scored_at": pa.timestamp("us", "UTC"),
        "segment": pa.string(),
    }
)


def tables(cells: st.SearchStrategy) -> st.SearchStrategy:
    row = st.fixed_dictionaries(
        {
            "customer_id": cells,
            "clv": st.none() | finite,
            "frequency": st.none() | st.integers(-(2**63), 2**63 - 1),
            "consent": st.none() | st.booleans(),
            "as_of": st.none() | st.dates(date(1990, 1, 1), date(2100, 1, 1)),
            "scored_at": st.none() | moments,
            "segment": st.none() | cells,
        }
    )
    return st.lists(row, max_size=6).map(lambda rows: pa.Table.from_pylist(rows, schema=SCHEMA))


files = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@files
@given(tables(harmless))
def test_what_is_written_as_csv_is_read_as_it_was(tmp_path, table):
    assert read_csv(written(tmp_path, table, "csv"), SCHEMA).equals(table)


@files
@given(tables(text | tricky))
def test_what_is_written_as_parquet_is_read_as_it_was(tmp_path, table):
    assert pyarrow.parquet.read_table(pa.BufferReader(written(tmp_path, table, "parquet"))).equals(table)


@files
@given(tables(text | tricky))
def test_what_is_written_as_json_lines_is_read_as_it_was(tmp_path, table):
    lines = written(tmp_path, table, "json").decode().split("\n")
    assert lines.pop() == ""
    rows = [json.loads(line) for line in lines]
    for row in rows:
        row["as_of"] = row["as_of"] and date.fromisoformat(row["as_of"])
        row["scored_at"] = row["scored_at"] and datetime.fromisoformat(row["scored_at"])
    assert pa.Table.from_pylist(rows, schema=SCHEMA).equals(table)


@files
@given(st.lists(text | st.tuples(st.sampled_from(FORMULA_STARTS), text).map("".join), min_size=1, max_size=8))
def test_no_cell_of_a_csv_file_starts_like_a_formula_and_no_text_is_lost(tmp_path, cells):
    table = pa.table({"customer_id": cells, "reasons": [[cell, "b"] for cell in cells]})
    # The file is read by the standard library here, so that no reader of the writer's own family is trusted.
    content = written(tmp_path, table, "csv").decode().replace("\x00", "\ufffd")
    rows = list(csv.reader(io.StringIO(content, newline="")))[1:]
    for cell, (customer, reasons) in zip(cells, rows, strict=True):
        for found, original in ((customer, cell), (reasons, f"{cell} · b")):
            expected = "'" + original if original.startswith(FORMULA_STARTS) else original
            assert found == expected.replace("\x00", "\ufffd")
            assert not found.startswith(FORMULA_STARTS)


@pytest.mark.parametrize("cell", ["=1+1", "+4930", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0"])
def test_the_formulas_that_owasp_names_are_text_in_a_csv_file(tmp_path, cell):
    content = written(tmp_path, pa.table({"customer_id": [cell]}), "csv").decode()
    assert list(csv.reader(io.StringIO(content, newline="")))[1] == [f"'{cell}"]


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_no_kind_of_text_column_lets_a_formula_through(tmp_path, kind):
    table = pa.table({"segment": pa.array(["=1+1", "Lost", None], pa.string()).cast(kind), "clv": [1, 2, 3]})
    assert written(tmp_path, table, "csv") == b'"segment","clv"\n"\'=1+1",1\n"Lost",2\n,3\n'


def test_a_column_name_is_no_formula_either(tmp_path):
    assert written(tmp_path, pa.table({"=A1": [1]}), "csv") == b'"\'=A1"\n1\n'


def test_negative_numbers_stay_numbers(tmp_path):
    table = pa.table({"clv": [-1.5, -0.25], "frequency": [-1, -2]})
    assert written(tmp_path, table, "csv") == b'"clv","frequency"\n-1.5,-1\n-0.25,-2\n'


def test_what_a_csv_file_looks_like(tmp_path):
    table = pa.table(
        {
            "customer_id": ["007", 'Zoë "Z"', None],
            "as_of": [date(2026, 11, 21), None, date(2026, 11, 21)],
            "scored_at": pa.array([datetime(2026, 11, 21, 7, 30)] * 3, pa.timestamp("ms", "Europe/Berlin")),
            "reasons": [["far away", None, "one order"], [], None],
        }
    )
    assert written(tmp_path, table, "csv").decode().splitlines() == [
        '"customer_id","as_of","scored_at","reasons"',
        '"007",2026-11-21,"2026-11-21T07:30:00.000000Z","far away · one order"',
        '"Zoë ""Z""",,"2026-11-21T07:30:00.000000Z",""',
        ',2026-11-21,"2026-11-21T07:30:00.000000Z",',
    ]


def test_what_json_lines_look_like(tmp_path):
    table = pa.table(
        {"customer_id": ["Zoë"], "clv": [float("nan")], "as_of": [date(2026, 11, 21)], "reasons": [["=a"]]}
    )
    assert written(tmp_path, table, "json").decode() == (
        '{"customer_id": "Zoë", "clv": null, "as_of": "2026-11-21", "reasons": ["=a"]}\n'
    )


def test_an_empty_list_is_a_file_all_the_same(tmp_path):
    nobody = SCORES.slice(0, 0)
    assert written(tmp_path, nobody, "csv").decode() == ",".join(f'"{name}"' for name in nobody.schema.names) + "\n"
    assert written(tmp_path, nobody, "json") == b""
    assert pyarrow.parquet.read_table(pa.BufferReader(written(tmp_path, nobody, "parquet"))).equals(nobody)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.csv", "csv"), ("a.CSV", "csv"), ("a.b.parquet", "parquet"), ("a.json", "json"), ("a.jsonl", "json")],
)
def test_a_name_asks_for_a_format(name, kind):
    assert format_of(Path(name)) == kind


@pytest.mark.parametrize("name", ["list", "list.xlsx", "csv"])
def test_a_name_that_asks_for_no_known_format_is_refused(name):
    with pytest.raises(RegularsError, match=r"ends in none of \.csv, \.parquet, \.json, \.jsonl"):
        format_of(Path(name))


def test_the_format_decides_and_not_the_extension(tmp_path):
    path = tmp_path / "list.parquet"
    write_list(pa.table({"clv": [1]}).to_reader(), path, "csv")
    assert path.read_bytes() == b'"clv"\n1\n'


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_without_a_path_the_list_goes_to_standard_output(tmp_path, capfdbinary, kind):
    assert write_list(SCORES.to_reader(), None, kind) == len(SCORES)
    assert capfdbinary.readouterr().out == written(tmp_path, SCORES, kind)


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(
        RegularsError, match="no format 'xlsx'; the formats are csv, json, parquet, google, meta, klaviyo"
    ):
        write_list(SCORES.to_reader(), tmp_path / "list.xlsx", "xlsx")
    assert list(tmp_path.iterdir()) == []


def test_a_path_where_no_file_can_be_is_refused(tmp_path):
    with pytest.raises(RegularsError, match="the folder does not exist"):
        write_list(SCORES.to_reader(), tmp_path / "nowhere" / "list.csv", "csv")
    with pytest.raises(RegularsError, match="this is not a file"):
        write_list(SCORES.to_reader(), tmp_path, "csv")


def failing_after(batches: int) -> pa.RecordBatchReader:
    def rows():
        for _ in range(batches):
            yield pa.record_batch({"clv": list(range(100_000))})
        raise OSError("the source went away")

    return pa.RecordBatchReader.from_batches(pa.schema({"clv": pa.int64()}), rows())


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
@pytest.mark.parametrize("batches", [0, 2])
def test_an_error_half_way_leaves_the_old_file_and_no_other(tmp_path, kind, batches):
    path = tmp_path / "list"
    path.write_text("yesterday's list")
    with pytest.raises(OSError, match="went away"):
        write_list(failing_after(batches), path, kind)
    assert path.read_text() == "yesterday's list"
    assert [entry.name for entry in tmp_path.iterdir()] == ["list"]


def test_nobody_sees_the_file_before_it_is_whole(tmp_path):
    path = tmp_path / "list.csv"
    seen = []

    def rows():
        for number in range(3):
            yield pa.record_batch({"clv": [number]})
            seen.append(path.exists())

    reader = pa.RecordBatchReader.from_batches(pa.schema({"clv": pa.int64()}), rows())
    assert write_list(reader, path, "csv") == 3
    assert seen == [False, False, False]
    assert path.exists()


def test_a_link_goes_on_pointing_to_the_list(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "list.csv"
    link.symlink_to(tmp_path / "there" / "list.csv")
    write_list(pa.table({"clv": [1]}).to_reader(), link, "csv")
    assert link.is_symlink()
    assert (tmp_path / "there" / "list.csv").read_bytes() == b'"clv"\n1\n'


def test_others_may_read_the_file_as_they_may_any_other(tmp_path):
    (tmp_path / "plain").touch()
    write_list(SCORES.to_reader(), tmp_path / "list.csv", "csv")
    assert (tmp_path / "list.csv").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_long_list_passes_through_in_little_memory(tmp_path):
    def rows():
        for start in range(0, 2_000_000, 50_000):
            assert pa.total_allocated_bytes() - before < 64 * 2**20
            yield pa.record_batch({"clv": range(start, start + 50_000), "segment": ["At Risk" * 5] * 50_000})

    before = pa.total_allocated_bytes()
    reader = pa.RecordBatchReader.from_batches(pa.schema({"clv": pa.int64(), "segment": pa.string()}), rows())
    assert write_list(reader, tmp_path / "list.csv", "csv") == 2_000_000
    assert (tmp_path / "list.csv").stat().st_size > 70 * 2**20


def test_moments_of_any_zone_are_written_in_utc(tmp_path):
    moment = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
    zones = ["UTC", "America/New_York", "+05:30"]
    table = pa.table(
        {zone: pa.array([moment, moment + timedelta(days=200)], pa.timestamp("s", zone)) for zone in zones}
    )
    rows = list(csv.reader(io.StringIO(written(tmp_path, table, "csv").decode())))
    assert rows[1:] == [["2026-11-21T07:30:00.000000Z"] * 3, ["2027-06-09T07:30:00.000000Z"] * 3]
