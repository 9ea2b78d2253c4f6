"""Promotion: champion only where better beyond noise, never judged by what was seen, and written down for good."""

import getpass
import json
import threading
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import mlflow
import pandas as pd
import pytest

import training.promotion.promote
from features.window import Span
from models.btyd import BTYD
from models.registry import connect, load_registered, registered_name
from regulars.errors import BundleError, HistoryError, RegularsError
from training.promotion.comparison import BETTER, NOISE, UNDEFINED, WORSE, Comparison
from training.promotion.promote import DEFAULT_METRIC, Terms, promote, weigh
from training.promotion.promotion_log import FORCED, PROMOTED, REFUSED, Decision, person
from training.promotion.resampling import METRICS
from training.tracking import EXPERIMENT, _log_bundle, _register

pytestmark = pytest.mark.slow

HORIZON = 90
NAME = registered_name(HORIZON)
# The bundle of the fixtures was trained as of 1998-04-01, and the log ends on 1998-06-30: one window can judge it.
ONLY_DATE = date(1998, 4, 2)


@pytest.fixture(scope="module")
def client(tmp_path_factory, new_registry):
    folder = tmp_path_factory.mktemp("registry")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", new_registry(folder))
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        yield connect()


@pytest.fixture(scope="module")
def logged(client, small_bundle, small_snapshot):
    """Bundles in the store, by name, each with the run that logged it; none is registered yet."""
    mlflow.set_experiment(EXPERIMENT)
    found = {}
    for name, bundle in {
        "good": small_bundle,
        "misled": misled(small_bundle),
        "young": replace(small_bundle, facts={**small_bundle.facts, "as_of": "1998-05-01"}),
    }.items():
        with mlflow.start_run() as run:
            mlflow.log_param("as_of", bundle.facts["as_of"])
            found[name] = (_log_bundle(bundle, small_snapshot.head()), run.info.run_id)
    return found


def misled(bundle):
    """Return the bundle, believing that whoever bought twice has gone, and that whoever bought once has not."""
    fitted = bundle.btyd.to_dict()
    wrong = {**fitted["dropout_"], "a_": 50.0, "b_": 1.0}
    return replace(bundle, btyd=BTYD.from_dict({**fitted, "dropout": "bg", "dropout_": wrong}))


@pytest.fixture
def enter(client, logged):
    """Register bundles by name, in their order, into an empty registry: the first becomes champion."""

    def register(*names):
        return [_register(client, NAME, *logged[name]).version for name in names]

    yield register
    if client.search_registered_models(filter_string=f"name = '{NAME}'"):
        client.delete_registered_model(NAME)


@pytest.fixture(scope="module", autouse=True)
def figures_worked_out_once():
    """The figures of the same two bundles on the same dates of the same log are those of the first time."""
    known, real = {}, training.promotion.promote.compare

    def compare(ledger, challenger, champion, dates):
        beliefs = [json.dumps(bundle.btyd.to_dict()) for bundle in (challenger, champion)]
        key = (ledger.fingerprint, *beliefs, dates)
        if key not in known:
            known[key] = real(ledger, challenger, champion, dates)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.promotion.promote, "compare", compare)
        yield


def aliases(client):
    return {alias: str(of) for alias, of in client.get_registered_model(NAME).aliases.items()}


def document(client, run_id):
    return json.loads(Path(client.download_artifacts(run_id, "promotion.json")).read_text(encoding="utf-8"))


class TestTheBetterOne:
    def test_it_becomes_champion_and_the_old_one_can_still_be_had(self, client, enter, sample_ledger):
        enter("misled", "good")
        assert aliases(client) == {"champion": "1", "challenger": "2"}
        found = promote(sample_ledger, HORIZON)
        assert found.promoted
        assert found.decision.outcome == PROMOTED
        assert aliases(client) == {"champion": "2", "previous": "1"}
        assert load_registered(HORIZON).version == "2"
        assert load_registered(HORIZON, "previous").version == "1"

    def test_it_is_better_beyond_noise_where_it_was_asked_to_be_and_worse_nowhere(self, enter, sample_ledger):
        enter("misled", "good")
        found = promote(sample_ledger, HORIZON)
        assert found.comparison.table.loc["gini", "verdict"] == BETTER
        assert found.comparison.metrics_that_are(WORSE) == []
        assert "beyond noise" in found.decision.why

    @pytest.mark.parametrize("metric", ["auc", "log_loss"])
    def test_another_metric_may_be_chosen_to_decide(self, enter, sample_ledger, metric):
        enter("misled", "good")
        found = promote(sample_ledger, HORIZON, terms=Terms(metric))
        assert found.promoted
        assert found.decision.metric == metric
        assert found.decision.why.startswith(f"{metric} ")

    def test_any_version_may_challenge_by_its_number_and_another_challenger_stays_one(
        self, client, enter, sample_ledger
    ):
        enter("misled", "good", "good")
        assert promote(sample_ledger, HORIZON, "2").promoted
        assert aliases(client) == {"champion": "2", "previous": "1", "challenger": "3"}


class TestTheOther:
    def test_one_that_is_worse_is_refused(self, client, enter, sample_ledger):
        enter("good", "misled")
        found = promote(sample_ledger, HORIZON)
        assert not found.promoted
        assert found.comparison.table.loc["gini", "verdict"] == WORSE
        assert aliases(client) == {"champion": "1", "challenger": "2"}

    def test_one_that_is_the_same_is_refused_because_nothing_but_noise_could_speak_for_it(
        self, client, enter, sample_ledger
    ):
        enter("good", "good")
        found = promote(sample_ledger, HORIZON)
        assert found.decision.outcome == REFUSED
        assert list(found.comparison.table["verdict"].unique()) == [NOISE]
        assert (found.comparison.table["difference"] == 0).all()
        assert aliases(client) == {"champion": "1", "challenger": "2"}

    def test_it_is_promoted_where_somebody_insists_and_the_log_says_so(self, client, enter, sample_ledger):
        enter("good", "misled")
        found = promote(sample_ledger, HORIZON, terms=Terms(force=True, by="Ada"))
        assert (found.decision.outcome, found.decision.by) == (FORCED, "Ada")
        assert found.decision.why.startswith("forced, although gini ")
        assert aliases(client) == {"champion": "2", "previous": "1"}

    def test_who_insists_where_there_was_no_need_is_not_said_to_have_forced_anything(self, enter, sample_ledger):
        enter("misled", "good")
        assert promote(sample_ledger, HORIZON, terms=Terms(force=True)).decision.outcome == PROMOTED


class TestWhatWasSeen:
    def test_as_of_dates_before_the_training_of_either_judge_nobody(self, enter, sample_ledger):
        enter("misled", "good")
        found = promote(sample_ledger, HORIZON, terms=Terms(cutoffs=4))
        assert list(found.comparison.customers) == [ONLY_DATE]

    @pytest.mark.parametrize("names", [("good", "young"), ("young", "good")])
    def test_without_one_complete_window_since_the_younger_training_the_answer_is_no_and_says_from_when(
        self, client, enter, sample_ledger, names
    ):
        enter(*names)
        found = promote(sample_ledger, HORIZON)
        assert not found.promoted
        assert found.comparison is None
        assert all(text in found.decision.why for text in ("1998-05-01", "from 1998-07-30 on", "1998-06-30", "--force"))
        assert aliases(client)["champion"] == "1"

    def test_an_older_challenger_that_can_be_judged_is_named(self, enter, sample_ledger):
        enter("misled", "good", "misled", "young")
        assert (
            "version 3, trained as of 1998-04-01, can be judged: --model 3" in promote(sample_ledger, 90).decision.why
        )

    def test_one_that_came_before_the_champion_is_not(self, client, enter, sample_ledger):
        enter("good", "misled", "young")
        client.set_registered_model_alias(NAME, "champion", "2")
        assert "--model" not in promote(sample_ledger, HORIZON).decision.why

    def test_who_insists_need_not_wait(self, client, enter, sample_ledger):
        enter("good", "young")
        found = promote(sample_ledger, HORIZON, terms=Terms(force=True))
        assert found.decision.outcome == FORCED
        assert "from 1998-07-30 on" in found.decision.why
        assert aliases(client)["champion"] == "2"

    def test_the_day_on_which_the_window_is_complete_is_the_day_that_was_named(self):
        since, horizon = date(1998, 5, 1), 90
        ended = Span(date(1997, 1, 1), date(1998, 7, 28))
        assert training.promotion.promote.judged_dates(ended, since, horizon) == ()
        assert "from 1998-07-30 on" in training.promotion.promote.too_early(ended, since, horizon)
        # A log read on the 30th can hold all of the 29th, the last day of the window.
        whole = Span(date(1997, 1, 1), date(1998, 7, 29))
        assert training.promotion.promote.judged_dates(whole, since, horizon) == (since,)


class TestTheLog:
    def test_it_holds_who_when_why_and_both_figures(self, client, enter, sample_ledger):
        enter("misled", "good")
        before = datetime.now(UTC)
        found = promote(sample_ledger, HORIZON, terms=Terms(by="Ada"))
        entry = document(client, found.run_id)
        assert (entry["outcome"], entry["by"], entry["metric"]) == (PROMOTED, "Ada", "gini")
        assert (entry["model"], entry["challenger"], entry["champion"]) == (NAME, "2", "1")
        assert before <= datetime.fromisoformat(entry["at"]) <= datetime.now(UTC)
        assert entry["log_fingerprint"] == sample_ledger.fingerprint
        assert set(entry["comparison"]["metrics"]) == set(METRICS)
        gini = entry["comparison"]["metrics"]["gini"]
        assert gini["challenger"] > gini["champion"]
        assert 0 < gini["low"] <= gini["difference"] <= gini["high"]
        assert [window["as_of"] for window in entry["comparison"]["windows"]] == [str(ONLY_DATE)]

    def test_it_can_be_found_in_mlflow_from_the_run_and_from_the_version(self, client, enter, sample_ledger):
        enter("misled", "good")
        found = promote(sample_ledger, HORIZON, terms=Terms(by="Ada"))
        run = client.get_run(found.run_id)
        assert (run.data.tags["kind"], run.data.tags["outcome"], run.info.status) == ("promotion", PROMOTED, "FINISHED")
        assert run.data.metrics["gini_challenger"] == found.comparison.table.loc["gini", "challenger"]
        assert run.data.metrics["gini_champion"] == found.comparison.table.loc["gini", "champion"]
        said = client.get_model_version(NAME, "2").tags[f"promotion-{found.run_id}"]
        assert all(text in said for text in (PROMOTED, "Ada", found.decision.why))

    def test_refusals_stand_in_it_too_and_nothing_takes_the_place_of_what_was_said_before(
        self, client, enter, sample_ledger
    ):
        enter("good", "misled")
        said = [
            promote(sample_ledger, HORIZON, terms=Terms(force=force, by=by))
            for force, by in ((False, "Ada"), (False, "Bob"), (True, "Eve"))
        ]
        tags = client.get_model_version(NAME, "2").tags
        assert [tags[f"promotion-{found.run_id}"].split()[0] for found in said] == [REFUSED, REFUSED, FORCED]
        assert [document(client, found.run_id)["by"] for found in said] == ["Ada", "Bob", "Eve"]
        assert document(client, said[0].run_id)["comparison"]["metrics"]["gini"]["verdict"] == WORSE

    def test_without_a_name_it_was_the_user(self):
        assert person(None) == person(" ") == getpass.getuser()
        assert person("Ada ") == "Ada"

    def test_a_decision_that_could_not_be_carried_out_is_one_that_failed(self, client, enter, sample_ledger):
        enter("good")
        decision = decided("1", challenger="9")
        with pytest.raises(BundleError, match="9"):
            training.promotion.promote._carry_out(client, decision, None)
        experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
        newest = client.search_runs([experiment], "tags.kind = 'promotion'", max_results=1)[0]
        assert (newest.data.tags["challenger"], newest.info.status) == ("9", "FAILED")
        assert aliases(client) == {"champion": "1"}


def decided(champion, challenger):
    return Decision(PROMOTED, "", "Ada", datetime.now(UTC), NAME, challenger, champion, "gini", "0123456789abcdef")


class Slow:
    """A registry that takes its time to answer what a version or an alias is, and answers what was true before."""

    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        found = getattr(self.client, name)
        if not name.startswith(("get_model_version", "get_registered", "search_registered")):
            return found

        def late(*arguments, **named):
            try:
                return found(*arguments, **named)
            finally:
                time.sleep(0.3)

        return late


def at_once(*works):
    """Run functions at the same moment, each in a thread of its own, and return what they return."""
    results, gate = [None] * len(works), threading.Barrier(len(works))

    def run(i):
        gate.wait()
        results[i] = works[i]()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


class TestAtTheSameMoment:
    def test_a_champion_that_is_no_longer_the_one_that_was_judged_is_not_replaced(
        self, client, enter, sample_ledger, monkeypatch
    ):
        enter("misled", "good", "good")
        judge = training.promotion.promote.compare

        def meanwhile(*arguments):
            # While the figures are worked out, somebody else has the other version promoted.
            monkeypatch.setattr(training.promotion.promote, "compare", judge)
            assert promote(sample_ledger, HORIZON, "2").promoted
            return judge(*arguments)

        monkeypatch.setattr(training.promotion.promote, "compare", meanwhile)
        found = promote(sample_ledger, HORIZON, "3", Terms(force=True))
        assert found.decision.outcome == REFUSED
        assert "was version 1 when the judging began, and is 2 now" in found.decision.why
        assert aliases(client)["champion"] == "2"

    def test_of_two_promotions_over_one_champion_one_is_carried_out(self, client, enter):
        enter("misled", "good", "good")
        found = at_once(
            *(
                lambda version=version: training.promotion.promote._carry_out(Slow(client), decided("1", version), None)
                for version in ("2", "3")
            )
        )
        outcomes = {promotion.decision.outcome: promotion.decision.challenger for promotion in found}
        assert set(outcomes) == {PROMOTED, REFUSED}
        assert aliases(client)["champion"] == outcomes[PROMOTED]
        assert aliases(client)["previous"] == "1"

    def test_two_first_trainings_make_one_champion_and_one_challenger(self, client, enter, logged):
        made = at_once(*(lambda name=name: _register(Slow(client), NAME, *logged[name]) for name in ("good", "misled")))
        assert {version.version: version.alias for version in made} == {"1": "champion", "2": "challenger"}
        assert aliases(client) == {"champion": "1", "challenger": "2"}


class TestWrongInput:
    def test_without_a_challenger(self, enter, sample_ledger):
        enter("good")
        with pytest.raises(BundleError, match=r"'challenger'.*with champion 1.*regulars train"):
            promote(sample_ledger, HORIZON)

    def test_without_a_champion(self, client, enter, sample_ledger):
        enter("good", "good")
        client.delete_registered_model_alias(NAME, "champion")
        with pytest.raises(BundleError, match=r"'champion'.*with challenger 2"):
            promote(sample_ledger, HORIZON, terms=Terms(force=True))

    def test_an_unknown_version(self, enter, sample_ledger):
        enter("good", "good")
        with pytest.raises(BundleError, match="'7'"):
            promote(sample_ledger, HORIZON, "7")

    @pytest.mark.parametrize("version", ["1", "champion"])
    def test_the_champion_itself(self, enter, sample_ledger, version):
        enter("good", "good")
        with pytest.raises(BundleError, match="version 1 of regulars-90d is the champion already"):
            promote(sample_ledger, HORIZON, version, Terms(force=True))

    @pytest.mark.parametrize("terms", [{"metric": "r2"}, {"cutoffs": 0}])
    def test_terms_that_mean_nothing(self, terms):
        with pytest.raises(RegularsError, match="judge"):
            Terms(**terms)

    def test_a_log_with_other_columns_than_the_trainings(self, enter, cdnow_sample):
        from features.ledger import build_ledger
        from features.log import Log

        enter("misled", "good")
        other = build_ledger(Log(cdnow_sample.assign(product_id="cd")))
        with pytest.raises(BundleError, match="products"):
            promote(other, HORIZON)

    def test_a_champion_that_cannot_be_read_any_more_stops_nobody_who_insists(
        self, client, enter, logged, small_bundle, small_snapshot, sample_ledger
    ):
        with mlflow.start_run() as run:
            broken = _log_bundle(small_bundle, small_snapshot.head())
        folder = Path(mlflow.artifacts.download_artifacts(broken.model_uri))
        (folder / "artifacts" / "bundle" / "bundle.json").write_text("{}")
        logged["broken"] = (broken, run.info.run_id)
        enter("broken", "good")
        with pytest.raises(BundleError, match="train again"):
            promote(sample_ledger, HORIZON)
        assert aliases(client)["champion"] == "1"
        found = promote(sample_ledger, HORIZON, terms=Terms(force=True))
        assert found.decision.outcome == FORCED
        assert "could not be compared" in found.decision.why
        assert load_registered(HORIZON).version == "2"

    def test_a_challenger_that_cannot_be_read_becomes_champion_for_nobody(self, client, enter, logged, sample_ledger):
        enter("good", "broken")
        with pytest.raises(BundleError, match="train again"):
            promote(sample_ledger, HORIZON, terms=Terms(force=True))
        assert aliases(client)["champion"] == "1"


def made_up(**verdicts):
    columns = ("challenger", "champion", "difference", "low", "high")
    rows = {name: dict.fromkeys(columns, 1.0) | {"verdict": verdicts.get(name, NOISE)} for name in METRICS}
    return Comparison({}, {}, pd.DataFrame(rows).T)


class TestVerdicts:
    def test_better_in_the_chosen_metric_and_worse_in_no_other_wins(self):
        won, why = weigh(made_up(gini=BETTER, auc=BETTER), "gini")
        assert won
        assert why.startswith("gini 1 against the champion's 1")

    def test_better_in_another_metric_is_not_enough(self):
        assert not weigh(made_up(auc=BETTER), "gini")[0]

    @pytest.mark.parametrize("other", [name for name in METRICS if name != DEFAULT_METRIC])
    def test_worse_in_any_other_metric_loses_and_is_named(self, other):
        won, why = weigh(made_up(gini=BETTER, **{other: WORSE}), "gini")
        assert not won
        assert f"but worse beyond noise in {other} " in why

    def test_a_metric_that_the_windows_do_not_define_decides_nothing(self):
        won, why = weigh(made_up(auc=UNDEFINED), "auc")
        assert not won
        assert "auc is not defined" in why


def test_history_that_is_too_short_is_refused_as_everywhere(enter, cdnow_sample):
    from features.ledger import build_ledger
    from features.log import Log

    enter("misled", "good")
    late = build_ledger(Log(cdnow_sample[cdnow_sample["timestamp"] >= date(1998, 3, 20)]))
    with pytest.raises(HistoryError):
        promote(late, HORIZON)
