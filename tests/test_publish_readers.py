"""While a publication runs, fails, is killed or meets another one, readers see whole tables and wait for nobody."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from databases import AS_OF, rows, run, scored

import serving
from regulars.errors import PublishError, StoreError
from serving.listing.definition import Definition
from serving.listing.saved_lists import save_list
from serving.postgresql import postgres as settings
from serving.publish import publish

pytestmark = pytest.mark.slow

OLD, NEW, MEMBERS = 1_000, 40_000, 300
NEW_AS_OF = AS_OF + timedelta(days=1)
WHOLE = """
select (select count(*) from regulars.scores), (select count(distinct as_of) from regulars.scores),
    (select max(as_of) from regulars.scores), (select count(*) from regulars.list_members),
    (select max(as_of) from regulars.list_members), (select sum(rows) from regulars.published),
    (select max(as_of) from regulars.published)
"""
THINGS = """
select n.nspname, c.relname, c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname !~ '^pg_toast' order by 1, 2
"""
OF_OURS = "application_name = 'regulars publish' and backend_type = 'client backend'"


@pytest.fixture(scope="module")
def database(new_database):
    return new_database("readers")


@pytest.fixture
def store(database, tmp_path):
    """A store whose old scores are published, and whose new ones are not yet."""
    run(database, "drop schema if exists regulars cascade")
    made = scored(tmp_path, OLD)
    save_list(made, "best", Definition(top=MEMBERS))
    publish(made, database)
    return scored(tmp_path, NEW, as_of=NEW_AS_OF)


def whole(customers: int, as_of: date) -> tuple:
    return (customers, 1, as_of, MEMBERS, as_of, customers, as_of)


OLD_WHOLE, NEW_WHOLE = whole(OLD, AS_OF), whole(NEW, NEW_AS_OF)


@contextmanager
def another(address):
    """Lend a session with a transaction open, as a person at a prompt has it."""
    with psycopg.connect(address) as connection:
        yield connection
        connection.rollback()


@contextmanager
def process(store, address):
    """Run the command in a process of its own."""
    surroundings = {**os.environ, "REGULARS_TO": address, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "regulars", "publish", "--store", str(store.folder), "--quiet"]
    with subprocess.Popen(
        command, env=surroundings, cwd=Path(serving.__file__).parents[1], stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def wait_for(address, query, running=None):
    """Wait until a query finds something."""
    until = time.monotonic() + 60
    with psycopg.connect(address, autocommit=True) as connection:
        while not connection.execute(query).fetchone():
            assert running is None or running.poll() is None, running.stderr.read()
            assert time.monotonic() < until, query
            time.sleep(0.02)


def kill(running, address):
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    wait_for(address, f"select 1 where not exists (select 1 from pg_stat_activity where {OF_OURS})")


class TestReaders:
    def test_every_look_finds_old_or_new_and_none_waits(self, database, store):
        found, done = [], threading.Event()

        def look():
            with psycopg.connect(database, autocommit=True) as connection:
                # Who would wait for a lock, even a moment, gets an error.
                connection.execute("set lock_timeout = '20ms'")
                while not done.is_set():
                    found.append(connection.execute(WHOLE).fetchone())
                found.append(connection.execute(WHOLE).fetchone())

        reader = threading.Thread(target=look)
        reader.start()
        try:
            publish(store, database)
        finally:
            done.set()
            reader.join()
        assert set(found) == {OLD_WHOLE, NEW_WHOLE}
        assert found == sorted(found)

    def test_a_look_that_began_before_goes_on_with_what_it_saw(self, database, store):
        with another(database) as early:
            early.execute("set transaction isolation level repeatable read")
            assert early.execute("select count(*) from regulars.list_members").fetchone() == (MEMBERS,)
            publish(store, database)
            # It had not looked at the other tables yet; the publication did not wait for it either.
            assert early.execute(WHOLE).fetchone() == OLD_WHOLE
        assert rows(database, WHOLE) == [NEW_WHOLE]

    def test_views_grants_and_indexes_of_others_stay(self, database, store):
        run(
            database,
            "create view public.at_risk as select * from regulars.scores where segment = 'At Risk'",
            "create role analyst",
            "grant select on regulars.scores to analyst",
            "create index mine on regulars.scores (value_tier)",
        )
        publish(store, database)
        counted = "select count(*) from regulars.scores where segment = 'At Risk'"
        assert rows(database, "select count(*) from public.at_risk") == rows(database, counted)
        assert rows(database, "select has_table_privilege('analyst', 'regulars.scores', 'select')") == [(True,)]
        assert rows(database, "select 1 from pg_indexes where indexname = 'mine'") == [(1,)]
        run(database, "drop view public.at_risk", "drop owned by analyst", "drop role analyst")


class TestKilled:
    def test_twice_at_the_worst_moments_the_old_rows_stay_whole_and_nothing_is_left_behind(self, database, store):
        things = rows(database, THINGS)
        with process(store, database) as running:
            wait_for(database, "select 1 from pg_stat_progress_copy where tuples_processed > 5000", running)
            kill(running, database)
        assert rows(database, WHOLE) == [OLD_WHOLE]

        with another(database) as holding:
            # The publication has copied everything, and waits for this row to say so.
            holding.execute("select * from regulars.published for update")
            with process(store, database) as running:
                waiting = "wait_event_type = 'Lock' and query ilike 'delete from%published%'"
                wait_for(database, f"select 1 from pg_stat_activity where {OF_OURS} and {waiting}", running)
                kill(running, database)
        assert rows(database, WHOLE) == [OLD_WHOLE]

        with process(store, database) as running:
            assert running.wait(timeout=120) == 0, running.stderr.read()
        assert rows(database, WHOLE) == [NEW_WHOLE]
        assert rows(database, THINGS) == things
        assert rows(database, "select 1 from pg_locks where locktype = 'advisory'") == []

    def test_the_first_time_it_leaves_nothing(self, database, store):
        run(database, "drop schema regulars cascade")
        things = rows(database, THINGS)
        with process(store, database) as running:
            wait_for(database, "select 1 from pg_stat_progress_copy where tuples_processed > 5000", running)
            kill(running, database)
        assert rows(database, THINGS) == things
        publish(store, database)
        assert rows(database, WHOLE) == [NEW_WHOLE]


class TestFailure:
    def test_a_server_that_goes_away_is_told_and_the_old_rows_stay(self, database, store):
        ended = []

        def end(_):
            if not ended:
                ended.extend(rows(database, f"select pg_terminate_backend(pid) from pg_stat_activity where {OF_OURS}"))

        with pytest.raises(PublishError, match="nothing was changed"):
            publish(store, database, progress=end)
        assert ended == [(True,)]
        assert rows(database, WHOLE) == [OLD_WHOLE]

    def test_a_store_that_is_written_meanwhile_is_not_published_in_parts(self, database, store):
        again = []

        def write(_):
            if not again:
                again.append(scored(store.folder, NEW, as_of=NEW_AS_OF))

        with pytest.raises(StoreError, match="written meanwhile; nothing was published"):
            publish(store, database, progress=write)
        assert rows(database, WHOLE) == [OLD_WHOLE]


class TestTwoAtOnce:
    def test_the_second_waits_for_the_first(self, database, store):
        with another(database) as holding:
            holding.execute("select * from regulars.published for update")
            with process(store, database) as first, process(store, database) as second:
                wait_for(database, f"select 1 from pg_stat_activity where {OF_OURS} and wait_event = 'advisory'", first)
                holding.rollback()
                assert (first.wait(timeout=120), second.wait(timeout=120)) == (0, 0)
        assert rows(database, WHOLE) == [NEW_WHOLE]

    def test_one_that_has_waited_long_enough_says_why(self, database, store, monkeypatch):
        monkeypatch.setattr(settings, "LOCK_SECONDS", 1)
        with another(database) as holding:
            holding.execute("select * from regulars.published for update")
            with process(store, database) as first:
                waiting = "wait_event_type = 'Lock' and query ilike 'delete from%published%'"
                wait_for(database, f"select 1 from pg_stat_activity where {OF_OURS} and {waiting}", first)
                with pytest.raises(PublishError, match="another publication is writing into schema regulars; run"):
                    publish(store, database)
                assert publish(store, database, "elsewhere").horizons[0].customers == NEW
        run(database, "drop schema elsewhere cascade")

    def test_somebody_who_holds_rows_is_waited_for_only_so_long(self, database, store, monkeypatch):
        monkeypatch.setattr(settings, "LOCK_SECONDS", 1)
        with another(database) as holding:
            holding.execute("lock table regulars.scores in share mode")
            with pytest.raises(PublishError, match=r"somebody holds a lock.*nothing was changed"):
                publish(store, database)
        assert rows(database, WHOLE) == [OLD_WHOLE]
