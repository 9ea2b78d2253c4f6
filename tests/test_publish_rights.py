"""Who may publish and who may read, as docs/publishing.md grants it; refusals: one message, no secret, exit code 2."""

import re
from pathlib import Path

import psycopg
import pytest
from databases import as_role, rows, run, scored

from regulars import cli
from regulars.errors import PublishError
from regulars.exits import DONE, WRONG_INPUT
from serving.postgresql.postgres import address_parts
from serving.publish import publish
from serving.store import Store

pytestmark = pytest.mark.slow

DOCUMENT = (Path(__file__).parents[1] / "docs" / "publishing.md").read_text(encoding="utf-8")
BLOCKS = [
    block
    for block in re.findall(r"^```sql\n(.*?)^```", DOCUMENT, flags=re.DOTALL | re.MULTILINE)
    if not block.startswith("select")
]
SECRET = "s3cret/w0rd"


@pytest.fixture(scope="module")
def database(new_database):
    address = new_database("rights")
    run(address, *BLOCKS)
    return address


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return scored(tmp_path_factory.mktemp("store"), 100)


@pytest.fixture(scope="module")
def reader(database, store):
    """The address of a program that reads what the documented publisher has published."""
    publish(store, as_role(database, "regulars_publisher"))
    return as_role(database, "crm")


@pytest.fixture
def taken(database):
    """A schema for what is not ours."""
    run(database, "create schema taken", "grant usage, create on schema taken to regulars_publisher")
    yield "taken"
    run(database, "drop schema taken cascade")


class TestPublisher:
    def test_it_is_no_superuser_and_owns_nothing_but_its_schema(self, database, reader):
        query = "select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls from pg_roles where rolname = %s"
        assert rows(database, query, "regulars_publisher") == [(False,) * 4]
        owned = rows(
            database,
            "select distinct relnamespace::regnamespace::text from pg_class where relowner::regrole::text = %s",
            "regulars_publisher",
        )
        assert {name for (name,) in owned} == {"regulars", "pg_toast"}

    def test_a_limit_on_the_time_of_statements_is_for_people(self, database, reader, store, tmp_path):
        run(database, "alter role regulars_publisher set statement_timeout = '50ms'")
        try:
            publish(scored(tmp_path, 20_000), as_role(database, "regulars_publisher"))
        finally:
            run(database, "alter role regulars_publisher reset statement_timeout")
        publish(store, as_role(database, "regulars_publisher"))


class TestReader:
    @pytest.mark.parametrize("table", ["scores", "lists", "list_members", "published"])
    def test_it_may_select(self, reader, table):
        rows(reader, f"select * from regulars.{table}")

    @pytest.mark.parametrize("table", ["scores", "lists", "list_members", "published"])
    @pytest.mark.parametrize(
        "statement",
        [
            "delete from regulars.{}",
            "truncate regulars.{}",
            "update regulars.{} set horizon_days = 1",
            "insert into regulars.{} select * from regulars.{}",
            "select * from regulars.{} for update",
            "begin; lock table regulars.{} in share mode",
            "alter table regulars.{} add column x int",
            "drop table regulars.{}",
            "comment on table regulars.{} is 'mine'",
            "create index on regulars.{} (horizon_days)",
        ],
    )
    def test_it_may_do_nothing_else(self, reader, table, statement):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(reader, statement.format(table, table))

    @pytest.mark.parametrize("statement", ["create table regulars.mine (x int)", "create table public.mine (x int)"])
    def test_it_may_make_no_table(self, reader, statement):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(reader, statement)

    def test_it_cannot_publish(self, reader, store):
        with pytest.raises(PublishError, match="crm may not make tables in schema regulars"):
            publish(store, reader)

    def test_it_may_not_read_what_was_not_granted(self, database, reader):
        run(database, "create role stranger login")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows(as_role(database, "stranger"), "select * from regulars.scores")


def refusal(capsys, store, *arguments: str) -> str:
    """Run the command, which must refuse: exit 2, one message, no traceback, nothing on standard output."""
    with pytest.raises(SystemExit) as left:
        cli.main(["publish", "--store", str(store.folder), "--quiet", *arguments])
    said = capsys.readouterr()
    assert (left.value.code, said.out) == (WRONG_INPUT, ""), said
    assert said.err.startswith("regulars: ")
    assert said.err.count("\n") == 1
    return said.err


class TestRefusals:
    def test_a_database_that_is_not_there(self, capsys, store, tmp_path):
        address = f"postgresql://someone:{SECRET.replace('/', '%2F')}@/shop?host={tmp_path}"
        message = refusal(capsys, store, "--to", address)
        assert "postgresql:///shop: the database cannot be reached (" in message
        assert SECRET not in message

    def test_a_database_of_another_name(self, capsys, store, database):
        message = refusal(capsys, store, "--to", database.replace("/rights?", "/shop?"))
        assert "cannot be reached" in message
        assert '"shop" does not exist' in message

    def test_a_wrong_password(self, capsys, store, database, with_passwords):
        address = as_role(database, "clerk").replace("clerk@", f"clerk:wrong{SECRET.replace('/', '%2F')}@")
        message = refusal(capsys, store, "--to", address)
        assert 'password authentication failed for user "clerk"' in message
        assert "wrong" not in message

    def test_no_right_to_make_the_schema(self, capsys, store, database):
        message = refusal(capsys, store, "--to", as_role(database, "crm"), "--schema", "of_crm")
        assert "create schema of_crm authorization crm" in message

    def test_no_right_in_the_schema(self, capsys, store, database):
        message = refusal(capsys, store, "--to", as_role(database, "crm"), "--schema", "public")
        assert "grant usage, create on schema public to crm" in message

    @pytest.mark.parametrize(
        "statement",
        [
            "create table taken.scores (x int)",
            "create view taken.lists as select 1 as x",
            "create table taken.published (x int); comment on table taken.published is 'Made by somebody'",
            "create view taken.scores as select 1 as x; comment on view taken.scores is 'Made by regulars publish.'",
        ],
    )
    def test_a_table_that_is_not_ours(self, capsys, store, database, taken, statement):
        run(database, statement)
        message = refusal(capsys, store, "--to", as_role(database, "regulars_publisher"), "--schema", "taken")
        assert re.search(
            r"taken\.\w+ is there already and was not made by regulars publish \(its owner is postgres\)", message
        )
        assert len(rows(database, "select 1 from pg_class where relnamespace = 'taken'::regnamespace")) == 1

    def test_tables_of_another_publisher(self, capsys, store, database, taken):
        publish(store, database, "taken")
        message = refusal(capsys, store, "--to", as_role(database, "regulars_publisher"), "--schema", "taken")
        assert "belongs to postgres: publish as postgres, or as a member of that role" in message

    def test_a_database_that_only_reads(self, capsys, store, database):
        address = database + "&options=-cdefault_transaction_read_only%3Don"
        assert "read-only transaction; nothing was changed" in refusal(capsys, store, "--to", address)

    def test_no_store(self, capsys, database, tmp_path):
        assert "regulars score" in refusal(capsys, Store(tmp_path / "nowhere"), "--to", database)


@pytest.fixture
def with_passwords(database):
    """A role that the server asks for its password."""
    run(database, f"create role clerk login password '{SECRET}'")
    rules = Path(rows(database, "show hba_file")[0][0])
    kept = rules.read_text()
    rules.write_text("local all clerk scram-sha-256\n" + kept)
    run(database, "select pg_reload_conf()")
    yield
    rules.write_text(kept)
    run(database, "select pg_reload_conf()", "drop role clerk")


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            f"postgresql://clerk:{SECRET}@host/shop",
            "postgresql://clerk:s3cret@w0rd@host/shop",
            "postgresql://clerk:s3cret w0rd@host/shop",
            "postgresql://clerk:s3cret%w0rd@host/shop",
            "postgresql://clerk:s3cret%00w0rd@host/shop",
            "postgresql://host/shop?password=s3cret&w0rd",
            "postgresql://host/shop?passwort=s3cretw0rd",
            "mysql://clerk:s3cretw0rd@host/shop",
            "postgresql+psycopg://clerk:s3cretw0rd@host/shop",
            "host=localhost password=s3cretw0rd",
            "s3cretw0rd",
        ],
    )
    def test_one_that_cannot_be_read_is_refused_and_not_repeated(self, capsys, store, address):
        message = refusal(capsys, store, "--to", address)
        assert "postgresql://user@host:5432/database" in message
        assert not re.search("s3c|cret|w0rd|clerk", message)

    @pytest.mark.parametrize("password", ["s3cret:w0rd", "s3cret#w0rd?x", "s3cret&w0rd", "s3cret'w0rd"])
    def test_one_with_an_odd_password_is_shown_without_it(self, capsys, store, password):
        message = refusal(capsys, store, "--to", f"postgresql://clerk:{password}@nowhere.invalid/shop")
        assert "postgresql://nowhere.invalid/shop: the database cannot be reached" in message
        assert not re.search("s3c|cret|w0rd", message)

    def test_none(self, capsys, store, monkeypatch):
        monkeypatch.delenv("REGULARS_TO", raising=False)
        assert "--to" in refusal(capsys, store)

    def test_one_in_the_wrong_place_is_not_repeated_with_its_password(self, capsys, store, database):
        message = refusal(capsys, store, "--to", database, "postgresql://clerk:s3cretw0rd@host/shop")
        assert "s3cret" not in message

    def test_one_of_the_environment_is_taken(self, capsys, store, database, monkeypatch, with_passwords):
        run(database, "grant regulars_publisher to clerk")
        secret = SECRET.replace("/", "%2F")
        monkeypatch.setenv("REGULARS_TO", as_role(database, "clerk").replace("clerk@", f"clerk:{secret}@"))
        with pytest.raises(SystemExit) as left:
            cli.main(["publish", "--store", str(store.folder)])
        said = capsys.readouterr()
        assert left.value.code == DONE
        assert "100 customers as of 2024-06-01, 90 days ahead" in said.out
        assert "s3cret" not in said.out + said.err

    def test_the_password_may_stand_where_libpq_looks_for_it(self, store, database, monkeypatch, with_passwords):
        run(database, "grant regulars_publisher to clerk")
        monkeypatch.setenv("PGPASSWORD", SECRET)
        assert publish(store, as_role(database, "clerk")).database == "postgresql:///rights"

    def test_what_it_says_is_what_libpq_gets(self):
        parts = address_parts("postgres://clerk:a%40b%2F@host:5433/shop?sslmode=require&connect_timeout=3")
        wanted = {"host": "host", "port": "5433", "dbname": "shop", "user": "clerk", "password": "a@b/"}
        assert (wanted | {"sslmode": "require", "connect_timeout": "3"}).items() <= parts.items()
