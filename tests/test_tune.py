"""Tuning: later settings are tried on newer windows than they learnt from, and nothing that was tried is lost."""

import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from filelock import FileLock

import training.search.tune
from features.ledger import build_ledger
from features.log import Log
from models.booster import SHARED, OffsetBooster
from models.registry import connect
from regulars import cli
from regulars.errors import RegularsError
from regulars.exits import DONE, WRONG_INPUT
from training.fitting import Fitting
from training.preparation import prepare
from training.rehearsal import rehearsal_parts, rehearse
from training.search.trials import Trial
from training.search.tune import MARGIN, SPACE, Search, journal, tune
from training.train import train

pytestmark = pytest.mark.slow

AS_OF, HORIZON = date(1998, 1, 1), 90
LITTLE = Fitting(rows=3_000, seed=3)
TOO_LITTLE = Fitting(rows=300, spend_trees=40, churn_trees=40)
NOW = datetime(2024, 1, 1, tzinfo=UTC)
losses_of = training.search.tune._losses


@pytest.fixture(scope="module")
def rows(cdnow_sample):
    """The log of 800 customers."""
    few = sorted(cdnow_sample["customer_id"].unique())[:800]
    return cdnow_sample[cdnow_sample["customer_id"].isin(few)]


@pytest.fixture(scope="module")
def ledger(rows):
    return build_ledger(Log(rows))


@pytest.fixture(scope="module")
def ready(ledger):
    return prepare(ledger, AS_OF, HORIZON, LITTLE.rows)


@pytest.fixture(scope="module")
def found(ledger, tmp_path_factory):
    """A search of four trials."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("search"))
        return tune(ledger, AS_OF, HORIZON, LITTLE, 4)


@pytest.fixture(autouse=True)
def somewhere(tmp_path, tmp_path_factory, monkeypatch, new_registry):
    """Every test has a folder of its own, with a registry of its own."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("REGULARS_", "MLFLOW_TRACKING"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", new_registry(tmp_path_factory.mktemp("registry")))
    return tmp_path


@pytest.fixture
def calls(ready, monkeypatch):
    """Losses of a formula in place of fits, for tests of many trials; the settings that it was asked for."""
    asked = []

    def formula(parts, fitting, unused):
        asked.append(fitting)
        leaves = fitting.boosting.get("num_leaves", SHARED["num_leaves"])
        return 1.0 + (leaves / 40 - 1.0) ** 2, 0.5 + abs(fitting.churn_trees - 200) / 1_000

    monkeypatch.setattr(training.search.tune, "_losses", formula)
    monkeypatch.setattr(training.search.tune, "prepare", lambda *arguments: ready)
    return asked


def tried(search):
    return [(dict(trial.settings), trial.spend_loss, trial.churn_loss, trial.loss) for trial in search.trials]


class TestSearch:
    def test_the_defaults_come_first(self, found, ready):
        first = found.trials[0]
        assert first.settings == {
            **{name: SHARED[name] for name in SPACE if name in SHARED},
            "min_data_in_leaf": 100,
            "spend_trees": 250,
            "churn_trees": 130,
        }
        spend, churn = rehearse(ready.lessons, ready.plan, LITTLE, ready.unused(LITTLE)).losses()
        assert (first.spend_loss, first.churn_loss) == (spend[LITTLE.spend_members], churn[LITTLE.churn_members])
        assert first.loss == 1.0

    def test_settings_outside_of_the_space_are_still_the_first_to_be_tried(self, ledger, calls):
        mine = replace(LITTLE, spend_trees=30, boosting={"lambda_l2": 0.0, "max_bin": 63})
        search = tune(ledger, AS_OF, HORIZON, mine, 2)
        assert calls[0] is mine
        assert search.trials[0].settings["spend_trees"] == SPACE["spend_trees"].low
        assert calls[1].boosting["max_bin"] == 63

    def test_the_loss_is_the_mean_of_both_relative_to_the_defaults(self, found):
        first, *others = found.trials
        for trial in others:
            relative = (trial.spend_loss / first.spend_loss + trial.churn_loss / first.churn_loss) / 2
            assert trial.loss == pytest.approx(relative, rel=1e-12)
        assert len({trial.loss for trial in found.trials}) > 2

    def test_the_settings_of_a_trial_are_those_of_its_models(self, found, ready):
        trial = found.trials[2]
        fitting = training.search.tune._fitting(trial.settings, LITTLE)
        parts = rehearsal_parts(ready.lessons, ready.plan)
        assert losses_of(parts, fitting, ready.unused(fitting)) == (trial.spend_loss, trial.churn_loss)
        assert (fitting.rows, fitting.seed) == (LITTLE.rows, LITTLE.seed)

    def test_the_same_search_finds_the_same(self, found, ledger):
        assert tried(tune(ledger, AS_OF, HORIZON, LITTLE, 4)) == tried(found)

    def test_the_seed_and_the_rows_make_another_search(self, ledger, calls):
        searches = [tune(ledger, AS_OF, HORIZON, how, 5) for how in (LITTLE, replace(LITTLE, seed=4))]
        assert tried(searches[0])[0] == tried(searches[1])[0]
        assert tried(searches[0])[1:] != tried(searches[1])[1:]
        tune(ledger, AS_OF, HORIZON, replace(LITTLE, rows=2_000), 5)
        assert len(calls) == 15

    def test_no_outcome_at_or_after_the_as_of_date_is_read(self, found, rows):
        known = rows[pd.to_datetime(rows["timestamp"]) < pd.Timestamp(AS_OF)]
        strange = [(customer, AS_OF + timedelta(days=i % 90), 1e5) for i, customer in enumerate(known["customer_id"])]
        future = pd.DataFrame(strange, columns=["customer_id", "timestamp", "amount"])
        assert tried(tune(build_ledger(Log(pd.concat([known, future]))), AS_OF, HORIZON, LITTLE, 2)) == tried(found)[:2]

    def test_what_happened_the_day_before_is_read(self, found, rows):
        known = rows[pd.to_datetime(rows["timestamp"]) < pd.Timestamp(AS_OF)]
        yesterday = known.head(40).assign(timestamp=AS_OF - timedelta(days=1))
        more = build_ledger(Log(pd.concat([known, yesterday])))
        assert tune(more, AS_OF, HORIZON, LITTLE, 1).trials[0].spend_loss != found.trials[0].spend_loss

    def test_newer_windows_begin_after_the_older_ones_that_teach_have_ended(self, ready):
        parts = rehearsal_parts(ready.lessons, ready.plan)
        begins = parts.older.features.index.get_level_values("as_of")
        ends = begins + pd.to_timedelta(parts.older.outcome["ahead_days"].to_numpy(), unit="D")
        newer = parts.newer.features.index.get_level_values("as_of")
        assert ends.max() <= newer.min()
        assert newer.max() + timedelta(days=HORIZON) <= pd.Timestamp(AS_OF)

    def test_where_the_past_is_too_short_or_small_the_defaults_are_kept_and_that_is_said(self, ledger, somewhere):
        for search in (
            tune(ledger, AS_OF, HORIZON, TOO_LITTLE, 3),
            tune(ledger, date(1997, 1, 20), 30, LITTLE, 3),
        ):
            assert (search.trials, search.taken) == ((), False)
            assert search.fitting in (TOO_LITTLE, LITTLE)
            assert "too short, or has too few customers" in search.said
        assert not list(somewhere.iterdir())

    def test_a_smaller_leaf_than_the_default_lets_trees_split_more(self):
        X = pd.DataFrame({"x": range(1_000)}).to_numpy(dtype=float)
        y = (X[:, 0] > 950).astype(float)
        least = (None, {"min_data_in_leaf": 10})
        fits = [OffsetBooster("binary", trees=1, boosting=how).fit(X, y, 0 * y) for how in least]
        leaves = [fit.booster_.trees_to_dataframe().query("left_child.isna()")["count"].min() for fit in fits]
        assert leaves[0] >= 100 > leaves[1] >= 10


class TestChoice:
    def search(self, *losses):
        made = [Trial({"spend_trees": 99, "churn_trees": 77, "num_leaves": 5}, 1, 1, loss, NOW, NOW) for loss in losses]
        return Search(AS_OF, tuple(made), LITTLE)

    def test_a_lead_within_the_margin_is_luck(self):
        lucky = self.search(1.0, 1.0 - 0.9 * MARGIN)
        assert (lucky.best, lucky.taken) == (1, False)
        assert lucky.said == "the defaults are kept: the best of 2 trials is 0.45% better than the defaults before " + (
            "1998-01-01, 0.5% are needed"
        )

    def test_a_clear_lead_is_taken(self):
        clear = self.search(1.0, 1.3, 0.95, 0.97)
        assert (clear.best, clear.taken) == (2, True)
        assert clear.said == "trial 2 of 4 is taken, 5.00% better than the defaults before 1998-01-01"

    def test_the_result_is_never_worse_than_the_defaults_on_the_searchs_own_windows(self, found, ready):
        parts = rehearsal_parts(ready.lessons, ready.plan)
        own, default = losses_of(parts, found.fitting, ()), losses_of(parts, LITTLE, ())
        assert (own[0] / default[0] + own[1] / default[1]) / 2 <= 1.0

    def test_the_best_trials_settings_are_what_comes_back(self, ledger, calls):
        search = tune(ledger, AS_OF, HORIZON, LITTLE, 12)
        assert search.taken
        best = search.trials[search.best]
        assert best.loss == min(trial.loss for trial in search.trials) < 1.0
        assert search.fitting.churn_trees == best.settings["churn_trees"]
        assert search.fitting.boosting["num_leaves"] == best.settings["num_leaves"]

    def test_losses_that_are_no_numbers_are_not_taken_and_end_the_search(self, ledger, calls, monkeypatch):
        losses = iter([(1.0, 0.5), (float("nan"), 0.1), (float("inf"), 0.1), (1.0, 0.6)])
        monkeypatch.setattr(training.search.tune, "_losses", lambda *arguments: next(losses))
        search = tune(ledger, AS_OF, HORIZON, LITTLE, 4)
        assert [trial.loss for trial in search.trials] == [1.0, float("inf"), float("inf"), pytest.approx(1.1)]
        assert search.fitting == LITTLE


class Stopped(BaseException):
    pass


class TestResumption:
    @pytest.fixture
    def whole(self, ledger, calls, tmp_path_factory, monkeypatch, somewhere):
        """A search of sixteen trials that nothing interrupted; the sampler draws at random for the first ten only."""
        monkeypatch.chdir(tmp_path_factory.mktemp("whole"))
        search = tune(ledger, AS_OF, HORIZON, LITTLE, 16)
        monkeypatch.chdir(somewhere)
        calls.clear()
        return search

    def interrupted(self, ledger, monkeypatch, at):
        """Stop a search in the middle of a trial."""
        formula, left = training.search.tune._losses, iter(range(at))

        def stops(*arguments):
            if next(left, None) is None:
                raise Stopped
            return formula(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(training.search.tune, "_losses", stops)
            with pytest.raises(Stopped):
                tune(ledger, AS_OF, HORIZON, LITTLE, 16)

    @pytest.mark.parametrize("at", [0, 5, 13])
    def test_an_interrupted_search_goes_on_and_ends_as_if_nothing_had_been(self, ledger, calls, whole, monkeypatch, at):
        self.interrupted(ledger, monkeypatch, at)
        assert len(calls) == at
        done = []
        search = tune(ledger, AS_OF, HORIZON, LITTLE, 16, done.append)
        assert len(calls) == 16
        assert done == [at] + [1] * (16 - at)
        assert tried(search) == tried(whole)
        assert search.fitting == whole.fitting

    def test_a_finished_search_is_not_repeated_and_a_shorter_one_is_its_beginning(self, ledger, calls, whole):
        tune(ledger, AS_OF, HORIZON, LITTLE, 16)
        again = tune(ledger, AS_OF, HORIZON, replace(LITTLE, threads=2), 16)
        shorter = tune(ledger, AS_OF, HORIZON, LITTLE, 7)
        assert len(calls) == 16
        assert tried(again) == tried(whole)
        assert tried(shorter) == tried(whole)[:7]
        assert len(tune(ledger, AS_OF, HORIZON, LITTLE, 18).trials) == len(calls) == 18

    def test_a_line_that_a_kill_cut_off_costs_no_more_than_its_trial(self, ledger, calls, whole):
        path = journal(ledger, AS_OF, HORIZON)
        tune(ledger, AS_OF, HORIZON, LITTLE, 6)
        path.write_bytes(path.read_bytes()[:-20])
        calls.clear()
        assert tried(tune(ledger, AS_OF, HORIZON, LITTLE, 16)) == tried(whole)
        assert len(calls) == 11

    def test_logs_dates_and_horizons_have_journals_of_their_own(self, ledger, rows):
        other = build_ledger(Log(rows.iloc[1:]))
        paths = {
            journal(ledger, AS_OF, HORIZON),
            journal(ledger, AS_OF, 30),
            journal(ledger, date(1998, 2, 1), HORIZON),
            journal(other, AS_OF, HORIZON),
        }
        assert len(paths) == 4
        assert {str(path.parent) for path in paths} == {".regulars"}

    @pytest.mark.parametrize(
        "text", ["not a journal", "not\na journal", '{"a": 1}\n', "1,2\n3,4\n", '{"op_code":4,"study_id":7}\n[]\n']
    )
    def test_a_file_that_is_no_journal_is_refused_and_stays(self, ledger, calls, text):
        path = journal(ledger, AS_OF, HORIZON)
        path.parent.mkdir()
        path.write_text(text)
        with pytest.raises(RegularsError, match=r"is no journal of a search, or is damaged .* move it away") as refusal:
            tune(ledger, AS_OF, HORIZON, LITTLE, 3)
        assert str(path) in str(refusal.value)
        assert path.read_text() == text
        assert not calls

    def test_two_searches_do_not_write_the_same_journal(self, ledger, calls):
        path = journal(ledger, AS_OF, HORIZON)
        path.parent.mkdir()
        with FileLock(path.with_suffix(".busy")), pytest.raises(RegularsError, match="another search writes"):
            tune(ledger, AS_OF, HORIZON, LITTLE, 3)
        assert len(tune(ledger, AS_OF, HORIZON, LITTLE, 3).trials) == 3

    def test_a_folder_that_cannot_be_made_is_named(self, ledger, calls, somewhere):
        (somewhere / ".regulars").write_text("a file")
        with pytest.raises(RegularsError, match="cannot be kept there"):
            tune(ledger, AS_OF, HORIZON, LITTLE, 3)

    @pytest.mark.parametrize("trials", [0, -1])
    def test_a_search_has_a_trial(self, ledger, trials):
        with pytest.raises(RegularsError, match="give at least 1"):
            tune(ledger, AS_OF, HORIZON, LITTLE, trials)


class TestTraining:
    def test_the_settings_found_before_the_evaluation_fit_both_and_every_trial_is_a_child_run(
        self, ledger, monkeypatch
    ):
        # Whatever is not the defaults does better, the sooner the better.
        falling = iter([(2.0, 0.8), (1.5, 0.4), (1.6, 0.6)])
        monkeypatch.setattr(training.search.tune, "_losses", lambda *arguments: next(falling))
        training_ = train(ledger, date(1998, 4, 1), HORIZON, LITTLE, tune=3)
        search = training_.search
        assert search.as_of == training_.evaluation.as_of == AS_OF
        assert (search.best, search.taken) == (1, True)
        for fitted in (training_.fitted, training_.evaluation.fitted):
            assert fitted.bundle.spend.trees == search.trials[1].settings["spend_trees"]
            assert fitted.bundle.churn.trees == search.trials[1].settings["churn_trees"]
            leaves = fitted.bundle.churn.boosting["num_leaves"]
            assert leaves == search.trials[1].settings["num_leaves"]
        client = connect()
        run = client.get_run(training_.version.run_id)
        assert run.data.tags["tuned"] == search.said
        assert run.data.params["spend_trees"] == str(search.fitting.spend_trees)
        children = client.search_runs(
            [run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'", order_by=["start_time"]
        )
        assert [child.info.run_name for child in children] == ["trial 0", "trial 1", "trial 2"]
        for child, trial in zip(children, search.trials, strict=True):
            assert {name: json.loads(value) for name, value in child.data.params.items()} == dict(trial.settings)
            assert child.data.metrics == {
                "spend_loss": trial.spend_loss,
                "churn_loss": trial.churn_loss,
                "loss": trial.loss,
            }
            assert (child.info.status, child.data.tags["kind"]) == ("FINISHED", "trial")
            assert child.info.start_time <= child.info.end_time

    def test_where_nothing_can_be_searched_the_defaults_are_trained_and_that_is_logged(self, ledger):
        training_ = train(ledger, date(1997, 4, 1), HORIZON, TOO_LITTLE, tune=5)
        assert training_.fitted.bundle.spend.trees == TOO_LITTLE.spend_trees
        said = connect().get_run(training_.version.run_id).data.tags["tuned"]
        assert "too few customers" in said


class TestCommand:
    def run(self, *arguments):
        with pytest.raises(SystemExit) as left:
            cli.main(list(arguments))
        return int(left.value.code or 0)

    def test_the_flag_tunes_and_says_what_came_of_it(self, capfd, rows, somewhere):
        few = sorted(rows["customer_id"].unique())[:150]
        rows[rows["customer_id"].isin(few)].to_parquet("log.parquet")
        train_ = ("train", "log.parquet", "--as-of", "1998-04-01", "--tune", "2", "--json")
        assert self.run(*train_, "made.json") == DONE
        said = capfd.readouterr()
        made = json.loads((somewhere / "made.json").read_text())["tuned"]
        assert (made["as_of"], made["trials"]) == ("1998-01-01", 2)
        assert " ".join(made["said"].split()[:3]) in said.out
        assert "trying settings: 2 done" in said.err
        # Optuna itself says nothing.
        assert "Trial" not in said.err
        assert len(list((somewhere / ".regulars").glob("tune-1998-01-01-90d-*.journal"))) == 1
        next((somewhere / ".regulars").glob("*.journal")).write_text("damaged\n")
        assert self.run(*train_, "-") == WRONG_INPUT
        said = capfd.readouterr()
        assert said.err.count("is no journal of a search") == 1
        assert "Traceback" not in said.err
        assert said.out == ""

    def test_a_number_of_trials_below_zero_is_refused(self, capsys, rows):
        rows.to_parquet("log.parquet")
        assert self.run("train", "log.parquet", "--tune", "-3", "--quiet") == WRONG_INPUT
        assert "-3 trials search nothing" in capsys.readouterr().err
