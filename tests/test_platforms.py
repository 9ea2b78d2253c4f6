"""Platforms' files: their columns, what is hashed and what is not, values, and what is said where something lacks."""

import csv
import hashlib
import io

import pyarrow as pa
import pytest

from regulars.errors import RegularsError
from serving.exports import write_list
from serving.exports.audience import NEGATIVE, NO_VALUE, UNREACHABLE, Audience
from serving.exports.cells import CsvWriter
from serving.exports.platforms import PLATFORMS

PEOPLE = pa.table(
    {
        "customer_id": ["007", "c2", "c3", "c4"],
        "segment": ["At Risk", "Lost", "Lost", "=1+1"],
        "clv": [1234.567, -5.0, None, 10.0],
        "E-Mail": ["Jane.Doe+x@Gmail.com", None, "", "bob@example.com"],
        "Mobile": ["(800)555-0100", "020 7946 0000", "none", None],
        "first_name": ["Jane", "Zoë", None, "=cmd"],
        "Last Name": ["Doe", "Smith", None, "Bond"],
        "country": ["United States", "UK", "DE", None],
        "postcode": ["94303", "WC2H 8LG", "10115", None],
    }
)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def written(tmp_path, kind: str, table=PEOPLE) -> list[dict[str, str]]:
    path = tmp_path / "list.csv"
    write_list(table.to_reader(), path, kind)
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def test_google_s_file(tmp_path):
    rows = written(tmp_path, "google")
    assert list(rows[0]) == ["Email", "Phone", "First Name", "Last Name", "Country", "Zip", "Value"]
    assert rows[0] == {
        "Email": sha256("janedoe@gmail.com"),
        "Phone": sha256("+18005550100"),
        "First Name": sha256("jane"),
        "Last Name": sha256("doe"),
        "Country": "US",
        "Zip": "94303",
        "Value": "1234.57",
    }
    assert rows[1] == {
        "Email": "",
        "Phone": sha256("+442079460000"),
        "First Name": sha256("zoë"),
        "Last Name": sha256("smith"),
        "Country": "GB",
        "Zip": "WC2H 8LG",
        "Value": "0",
    }
    assert len(rows) == 3  # nothing identifies c3


def test_meta_s_file(tmp_path):
    rows = written(tmp_path, "meta")
    assert list(rows[0]) == ["email", "phone", "fn", "ln", "zip", "country", "value"]
    assert rows[0] == {
        "email": sha256("jane.doe+x@gmail.com"),
        "phone": sha256("18005550100"),
        "fn": sha256("jane"),
        "ln": sha256("doe"),
        "zip": sha256("94303"),
        "country": sha256("us"),
        "value": "1234.57",
    }


def test_klaviyo_s_file_can_be_written_to_and_runs_nothing(tmp_path):
    rows = written(tmp_path, "klaviyo")
    assert rows[0] == {
        "Email": "jane.doe+x@gmail.com",
        "Phone Number": "+18005550100",
        "First Name": "Jane",
        "Last Name": "Doe",
        "Zip / Postal Code": "94303",
        "Country": "US",
        "External ID": "007",
        "regulars_segment": "At Risk",
        "regulars_clv": "1234.567",
    }
    assert rows[2]["First Name"] == "'=cmd"
    assert rows[2]["regulars_segment"] == "'=1+1"
    assert [row["External ID"] for row in rows] == ["007", "c2", "c4"]


def test_klaviyo_gets_no_personal_data_but_what_finds_people(tmp_path):
    people = PEOPLE.append_column("size", [["M"] * 4])
    known = list(written(tmp_path, "klaviyo", people)[0])
    assert "regulars_size" in known
    for name in ("ssn", "iban", "Customer Email"):
        people = people.append_column(name, [["secret"] * 4])
    assert list(written(tmp_path, "klaviyo", people)[0]) == known


def test_no_plain_identity_is_in_a_hashed_file(tmp_path):
    for kind in ("google", "meta"):
        text = str(written(tmp_path, kind)).casefold()
        assert not any(word in text for word in ("jane", "doe@", "5550100", "bond", "bob@"))


def test_what_was_done_to_values_is_counted():
    audience = Audience(PLATFORMS["google"], PEOPLE.column_names, "clv")
    for batch in PEOPLE.to_batches():
        audience.batch(batch)
    assert audience.counts == {NEGATIVE: 1, NO_VALUE: 0, UNREACHABLE: 1}


def test_values_keep_their_whole_range_and_are_never_negative(tmp_path):
    values = [0.0, 1e9, -1e9, float("nan"), float("inf"), 0.004]
    table = pa.table({"customer_id": list("abcdef"), "clv": values, "email": [f"{c}@x.com" for c in "abcdef"]})
    assert [float(row["Value"]) for row in written(tmp_path, "google", table)] == [0.0, 1e9, 0.0, 0.0, 0.0, 0.0]


def test_numbers_that_lost_their_text_are_read_as_numbers(tmp_path):
    table = pa.table({"customer_id": ["a"], "clv": [1.0], "phone": [16505551212.0], "zip": [94303], "country": ["US"]})
    row = written(tmp_path, "google", table)[0]
    assert (row["Phone"], row["Zip"]) == (sha256("+16505551212"), "94303")


def test_the_region_is_for_those_without_a_country():
    table = pa.table(
        {"customer_id": ["a", "b"], "clv": [1.0, 1.0], "phone": ["020 7946 0000"] * 2, "country": [None, "DE"]}
    )
    audience = Audience(PLATFORMS["klaviyo"], table.column_names, "clv", "uk")
    rows = audience.batch(table.to_batches()[0]).to_pylist()
    assert rows[0]["Phone Number"] == "+442079460000"
    assert rows[1]["Phone Number"] == "+492079460000"
    with pytest.raises(RegularsError, match="'Atlantis' is no country"):
        Audience(PLATFORMS["klaviyo"], table.column_names, "clv", "Atlantis")


@pytest.mark.parametrize("kind", sorted(PLATFORMS))
def test_a_store_without_identities_is_told_what_lacks(tmp_path, kind):
    table = pa.table({"customer_id": ["a"], "clv": [1.0], "country": ["US"]})
    with pytest.raises(RegularsError, match=r"finds people by email, or phone.*no such column.*--customers FILE"):
        write_list(table.to_reader(), tmp_path / "list.csv", kind)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_list_has_its_header_all_the_same(tmp_path):
    path = tmp_path / "list.csv"
    assert write_list(PEOPLE.slice(0, 0).to_reader(), path, "google") == 0
    assert path.read_text() == '"Email","Phone","First Name","Last Name","Country","Zip","Value"\n'


def test_only_telephone_numbers_stay_as_they_are_where_telephone_numbers_stand():
    sink = io.BytesIO()
    batch = pa.record_batch({"Phone Number": ["+18005550100", "+1+1", "=1+1", "+", None], "note": ["+18005550100"] * 5})
    writer = CsvWriter(sink, batch.schema, phones=("Phone Number",))
    writer.write_batch(batch)
    rows = list(csv.reader(io.StringIO(sink.getvalue().decode(), newline="")))[1:]
    assert [row[0] for row in rows] == ["+18005550100", "'+1+1", "'=1+1", "'+", ""]
    assert {row[1] for row in rows} == {"'+18005550100"}
