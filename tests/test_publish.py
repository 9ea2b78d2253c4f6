"""What a publication leaves in a real PostgreSQL: the store's scores and lists, typed, documented and indexed."""

from datetime import UTC, date, datetime

import psycopg
import pyarrow as pa
import pytest
from databases import AS_OF, HORIZON, content, made_up, rows, run, scored

from regulars import cli
from regulars.errors import PublishError, StoreError
from serving.listing.definition import Definition
from serving.listing.saved_lists import save_list
from serving.postgresql.arrow_copy import as_csv
from serving.postgresql.published import LISTS, MEMBERS, SCORES, TABLES
from serving.publish import publish
from serving.store import SCHEMA, Store

pytestmark = pytest.mark.slow

KINDS = {
    pa.string(): "text",
    pa.date32(): "date",
    pa.int32(): "integer",
    pa.int8(): "smallint",
    pa.float64(): "double precision",
    pa.list_(pa.string()): "text[]",
    pa.timestamp("us", tz="UTC"): "timestamp with time zone",
}
COLUMNS = """
select a.attname, format_type(a.atttypid, a.atttypmod), col_description(a.attrelid, a.attnum)
from pg_attribute a where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum
"""


@pytest.fixture(scope="module")
def database(new_database):
    return new_database("publish")


@pytest.fixture
def schema(database):
    """A schema of the test's own."""
    yield "regulars"
    run(database, "drop schema if exists regulars cascade")


class TestScores:
    def test_they_are_those_of_the_store_to_the_last_bit(self, database, schema, tmp_path):
        store = scored(tmp_path, 1_000)
        publish(store, database)
        names = [name for name in SCHEMA.names if name != "discounted_revenue"]
        there = rows(database, f"select {', '.join(names)} from regulars.scores order by customer_id")
        here = store.scores().order_by("customer_id").select(*names).to_pyarrow().to_pylist()
        assert [dict(zip(names, row, strict=True)) for row in there] == here

    def test_every_column_of_the_store_has_its_type(self, database, schema, tmp_path):
        publish(scored(tmp_path, 10), database)
        kinds = {name: kind for name, kind, _ in rows(database, COLUMNS, "regulars.scores")}
        assert {field.name: KINDS[field.type] for field in SCHEMA}.items() <= kinds.items()
        assert set(kinds) - set(SCHEMA.names) == {"discounted_revenue"}

    def test_every_table_and_column_says_what_it_is(self, database, schema, tmp_path):
        publish(scored(tmp_path, 10), database)
        for table in TABLES:
            found = rows(database, COLUMNS, f"regulars.{table.name}")
            assert [name for name, _, _ in found] == list(table.names)
            assert all(comment and comment.endswith((".", "less.")) for _, _, comment in found)
            about = rows(database, "select obj_description(%s::regclass)", f"regulars.{table.name}")[0][0]
            assert about == f"{table.comment} Made by regulars publish."

    def test_a_customer_is_there_once_a_horizon(self, database, schema, tmp_path):
        publish(scored(tmp_path, 10), database)
        with pytest.raises(psycopg.errors.UniqueViolation):
            run(database, "insert into regulars.scores select * from regulars.scores limit 1")

    def test_odd_texts_nulls_and_numbers_come_through(self, database, schema, tmp_path):
        odd = ["", " ", 'Ä,"ö"', "two\nlines\r", r"\N", r"back\slash", "NULL", "{1,2}", "'; drop table x; --", "日本"]
        batch = next(made_up(len(odd), HORIZON, AS_OF, "1", "margin"))
        reasons = [[text, None] for text in odd[:-2]] + [None, []]
        changed = {
            "customer_id": pa.array(odd),
            "segment": pa.array([None, *odd[1:]]),
            "reasons": pa.array(reasons, pa.list_(pa.string())),
            "expected_spend": pa.array([float("nan"), float("inf"), None, 1e-300, 1e300, -0.1, 0.1 + 0.2, 0, 1, 2.5]),
        }
        arrays = [changed.get(name, batch[name]) for name in SCHEMA.names]
        Store(tmp_path).write([pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)], AS_OF, HORIZON)
        publish(Store(tmp_path), database)
        query = "select customer_id, segment, reasons, expected_spend from regulars.scores"
        found = {row[0]: row[1:] for row in rows(database, query)}
        assert found == {
            text: (segment, why, spend)
            for text, segment, why, spend in zip(
                odd,
                [None, *odd[1:]],
                reasons,
                [None, None, None, 1e-300, 1e300, -0.1, 0.1 + 0.2, 0, 1, 2.5],
                strict=True,
            )
        }

    def test_lists_in_a_part_of_a_batch_are_those_of_its_rows(self):
        texts = pa.array([["a"], ["b", 'c"d'], None, [], ["e\\f", None], ["g"]], pa.list_(pa.string()))
        batch = pa.RecordBatch.from_pydict({"reasons": texts}).slice(1, 4)
        lines = as_csv(batch).to_pybytes().decode().split("\n")
        assert lines == ['"{""b"",""c\\""d""}"', "", '"{}"', '"{""e\\\\f"",NULL}"', ""]

    def test_a_text_that_postgresql_cannot_hold_is_refused_with_its_place(self, database, schema, tmp_path):
        batch = next(made_up(3, HORIZON, AS_OF, "1", "margin"))
        arrays = [pa.array(["a", "b\0", "c"]) if name == "customer_id" else batch[name] for name in SCHEMA.names]
        Store(tmp_path).write([pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)], AS_OF, HORIZON)
        with pytest.raises(PublishError, match=r"0x00.*scores, line 2.*nothing was changed"):
            publish(Store(tmp_path), database)
        assert rows(database, "select 1 from pg_namespace where nspname = 'regulars'") == []

    def test_what_no_margin_was_given_for_is_not_called_lifetime_value(self, database, schema, tmp_path):
        store = scored(tmp_path, 10, basis="revenue")
        publish(store, database)
        found = rows(database, "select clv, discounted_revenue from regulars.scores order by customer_id")
        revenue = store.scores().order_by("customer_id").clv.to_pyarrow().to_pylist()
        assert found == [(None, amount) for amount in revenue]

    def test_what_does_not_say_which_it_is_is_neither_and_that_is_said(self, database, schema, tmp_path, capsys):
        store = scored(tmp_path, 10, basis=None)
        with pytest.raises(SystemExit, match="0"):
            cli.main(["publish", "--store", str(store.folder), "--to", database])
        assert "score again" in capsys.readouterr().err
        assert set(rows(database, "select clv, discounted_revenue from regulars.scores")) == {(None, None)}

    @pytest.mark.parametrize(
        "asked",
        [
            "segment = 'At Risk' and clv > 90",
            "segment = 'At Risk' and discounted_revenue > 90",
            "clv > 99",
            "discounted_revenue > 99",
            "churn_probability > 99",
            "next_order_date = '2024-06-02'",
            "customer_id = 'c0000001'",
        ],
    )
    def test_what_jobs_ask_for_has_an_index(self, database, schema, tmp_path, asked):
        publish(scored(tmp_path, 20_000, basis="revenue" if "revenue" in asked else "margin"), database)
        plan = rows(database, f"explain select customer_id from regulars.scores where {asked}")
        assert "Seq Scan" not in str(plan)


class TestHorizons:
    def test_the_newest_as_of_date_of_each_is_published(self, database, schema, tmp_path):
        scored(tmp_path, 10)
        scored(tmp_path, 20, as_of=date(2024, 6, 2))
        store = scored(tmp_path, 30, horizon=30)
        found = publish(store, database)
        told = [(one.horizon_days, one.as_of, one.customers) for one in found.horizons]
        assert told == [(30, AS_OF, 30), (90, date(2024, 6, 2), 20)]
        counted = rows(database, "select horizon_days, as_of, count(*) from regulars.scores group by 1, 2 order by 1")
        assert counted == told

    def test_one_that_is_asked_for_leaves_the_others(self, database, schema, tmp_path):
        scored(tmp_path, 10)
        store = scored(tmp_path, 30, horizon=30)
        save_list(store, "everybody", Definition(hold_back=0))
        publish(store, database)
        before = content(database)
        scored(tmp_path, 11, as_of=date(2024, 6, 2))
        publish(scored(tmp_path, 31, horizon=30, as_of=date(2024, 6, 2)), database, horizon_days=30)
        after = content(database)
        for table, place in (("scores", 2), ("lists", 1), ("list_members", 1), ("published", 0)):
            kept = [row for row in before[table] if row[place] == 90]
            assert kept
            assert [row for row in after[table] if row[place] == 90] == kept
        assert sum(row[2] == 30 for row in after["scores"]) == 31

    def test_one_that_the_store_holds_no_more_is_removed(self, database, schema, tmp_path):
        publish(scored(tmp_path / "old", 10, horizon=30), database)
        publish(scored(tmp_path / "new", 10), database)
        assert rows(database, "select distinct horizon_days from regulars.scores") == [(90,)]
        assert rows(database, "select horizon_days from regulars.published") == [(90,)]

    def test_one_that_is_not_there_is_refused_with_those_that_are(self, database, schema, tmp_path):
        with pytest.raises(StoreError, match=r"no scores for 7 days; those held are for 90"):
            publish(scored(tmp_path, 10), database, horizon_days=7)


class TestAgain:
    def test_twice_is_once(self, database, schema, tmp_path):
        store = scored(tmp_path, 1_000)
        save_list(store, "everybody", Definition(top=100))
        publish(store, database)
        before = content(database)
        publish(store, database)
        assert content(database) == before

    def test_what_is_published_is_told_beside_it(self, database, schema, tmp_path):
        publish(scored(tmp_path, 10), database)
        names = "horizon_days, as_of, model_version, log_fingerprint, clv_basis, rows, lists, members, scored_at"
        found = rows(database, f"select {names} from regulars.published")
        moment = datetime(2024, 6, 1, 3, tzinfo=UTC)
        assert found == [(90, AS_OF, "1", "0123456789abcdef", "margin", 10, 0, 0, moment)]
        assert rows(database, "select now() - published_at < interval '1 minute' from regulars.published") == [(True,)]

    def test_tables_of_an_older_version_get_the_columns_that_were_added(self, database, schema, tmp_path):
        store = scored(tmp_path, 10)
        publish(store, database)
        run(database, "alter table regulars.scores drop column value_tier", "drop table regulars.list_members")
        publish(store, database)
        assert rows(database, "select distinct value_tier from regulars.scores") == [("high",)]
        assert rows(database, "select count(*) from regulars.list_members") == [(0,)]

    def test_columns_of_others_stay(self, database, schema, tmp_path):
        store = scored(tmp_path, 10)
        publish(store, database)
        run(database, "alter table regulars.scores add column note text default 'ours'")
        publish(store, database)
        assert rows(database, "select distinct note from regulars.scores") == [("ours",)]

    def test_a_column_whose_type_was_changed_is_refused(self, database, schema, tmp_path):
        store = scored(tmp_path, 10)
        publish(store, database)
        run(database, "alter table regulars.scores alter column reasons type text")
        with pytest.raises(PublishError, match=r"scores\.reasons is of type text, and publishing needs text\[\]"):
            publish(store, database)

    def test_the_columns_written_are_the_columns_made(self):
        assert set(SCHEMA.names) | {"discounted_revenue"} == set(SCORES.names)
        assert all(len(set(table.names)) == len(table.names) for table in (LISTS, MEMBERS, SCORES))

    @pytest.mark.parametrize("name", ["Für CRM", 'a"; drop schema public; --', "public.x", "ß" * 31, "select"])
    def test_any_name_of_a_schema_is_only_a_name(self, database, tmp_path, name):
        publish(scored(tmp_path, 10), database, name)
        quoted = '"' + name.replace('"', '""') + '"'
        assert rows(database, f"select count(*) from {quoted}.scores") == [(10,)]
        run(database, f"drop schema {quoted} cascade")

    @pytest.mark.parametrize("name", ["", "ß" * 32, "pg_crm", "information_schema", "a\0b"])
    def test_what_is_no_name_of_a_schema_is_refused(self, database, tmp_path, name):
        with pytest.raises(PublishError, match="no name for a schema"):
            publish(scored(tmp_path, 10), database, name)
