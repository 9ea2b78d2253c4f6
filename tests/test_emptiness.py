"""Empty lists: it is said at which condition the last customer was lost, and what to loosen."""

import pandas as pd
import pytest
from listed_store import CUSTOMERS, listed_store, log_of, people_of, scores_of
from valued_store import AS_OF, ledger_of, valued_store

from features.log import Columns
from models.lifetime import Economics
from regulars import cli
from serving.listing.contact import Contact
from serving.listing.definition import Definition
from serving.listing.emptiness import why_empty
from serving.listing.playbook import play_named
from serving.listing.saved_lists import list_rows

DEAR = Contact(cost=1e6, response_rate=0.1)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Segments are At Risk and Lost, one to six orders a customer, every fifth without consent."""
    return listed_store(tmp_path_factory.mktemp("empty") / "store")


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        (
            Definition(segment=("Champions", "New")),
            [f"of {CUSTOMERS} customers none is in Champions or New", "--segment"],
        ),
        (Definition(where="clv > 1e9"), [f"of {CUSTOMERS} customers none has clv > 1e9", "loosen --where"]),
        (Definition(segment=("Lost",), where="clv > 1e9"), ["of 100 customers in Lost none has clv > 1e9"]),
        (Definition(contact=DEAR), [f"of {CUSTOMERS} customers none is expected to bring more than", "--contact-cost"]),
        (
            Definition(segment=("Lost",), where="frequency > 4", contact=DEAR),
            ["customers in Lost and with frequency > 4 none is expected"],
        ),
        (Definition(where="consent = 'no'"), ["of 40 customers with consent = 'no' none consents", "customers table"]),
    ],
)
def test_it_is_said_which_condition_leaves_nobody_and_what_to_do(store, definition, words):
    said = why_empty(store, definition)
    assert all(part in said for part in words), said


def test_of_a_play_it_says_its_meaning_and_its_rule_which_a_filter_understands(tmp_path):
    log = log_of()
    likely = scores_of(log).assign(churn_probability=0.01)
    store = valued_store(tmp_path / "store", ledger_of(log, None, Columns()), Economics(), likely, AS_OF)
    for play in (play_named("save"), play_named("win-back")):
        said = why_empty(store, Definition(play.slug))
        assert f"of {CUSTOMERS} customers none is on {play.name}: {play.meaning}" in said
        rule = said.split('--where "')[1].rstrip('"')
        assert rule == play.rule
        assert list_rows(store, Definition(where=rule)).to_pandas().empty


def test_a_list_with_somebody_on_it_is_not_empty(store):
    assert why_empty(store, Definition()) is None
    assert why_empty(store, Definition("leave-alone", contact=DEAR)) is None


def test_where_nobody_says_who_consents_nobody_is_lost_by_it(tmp_path):
    people = people_of().drop(columns="consent")
    assert why_empty(listed_store(tmp_path / "store", people=people), Definition(segment=("Lost",))) is None


@pytest.mark.parametrize("name", [[], ["--name", "Nobody"]])
def test_the_command_says_so_beside_its_zero(store, capsys, tmp_path, name):
    command = ["list", "--store", str(store.folder), "--where", "clv > 1e9", "--out", str(tmp_path / "list.csv"), *name]
    with pytest.raises(SystemExit) as left:
        cli.main(command)
    assert not left.value.code
    said = " ".join(capsys.readouterr().err.split())
    assert "0 customers" in said
    assert f"of {CUSTOMERS} customers none has clv > 1e9: loosen --where" in said
    assert len(pd.read_csv(tmp_path / "list.csv")) == 0
