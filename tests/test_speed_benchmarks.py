"""The speed benchmarks: each runs, leaves out what it was not given, and divides by the right row."""

import json
from argparse import Namespace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import regulars
from benchmarks.generator import write_log
from benchmarks.parametric import BGNBD
from benchmarks.population import Shape
from benchmarks.speed import btyd, features, lists, scale, score, snapshots
from benchmarks.speed.__main__ import filled
from benchmarks.speed.parts import pandas_features
from benchmarks.speed.parts.btyd_customers import TRUTH, draw
from benchmarks.speed.process import Measured, measure, part
from benchmarks.speed.report import Report
from regulars import cli

AS_OF = "2025-12-01"
EARLY = "2024-05-01"
"""After so few months of the log that a training is short."""


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    path = tmp_path_factory.mktemp("logs") / "log.parquet"
    write_log(Shape(300, 3_000), path)
    return path


@pytest.fixture
def run(tmp_path, capsys):
    """Run a benchmark; return its rows by name, all of it, and what it printed."""

    def ran(benchmark, *arguments):
        out = tmp_path / "found.json"
        benchmark.main([*map(str, arguments), "--json", str(out)])
        found = json.loads(out.read_text())
        assert all(row["seconds"] > 0 and row["peak_mib"] > 10 and row["exit_code"] == 0 for row in found["rows"])
        return {row["what"]: row for row in found["rows"]}, found, capsys.readouterr().out

    return ran


def rows_of(*seconds, cpu=2.0):
    return [Measured(name, wall, wall * cpu, 100.0) for name, wall in zip("abcd", seconds, strict=False)]


def test_ratios_are_to_the_minimum_of_the_row_and_to_ours_by_the_clock_and_by_the_processors(tmp_path):
    least, ours = rows_of(2.0, 6.0)
    report = Report("t", tmp_path, ours="b", rows=[least, ours, Measured("c", 3.0, 1.0, 100.0)], minima={"c": "b"})
    assert report.ratios(ours) == {"to_minimum": 3, "to_ours": 1, "cpu_to_minimum": 3, "cpu_to_ours": 1}
    assert report.ratios(report.rows[2])["to_minimum"] == 0.5
    assert report.ratios(report.rows[2])["cpu_to_ours"] == pytest.approx(1 / 12)


def test_what_failed_has_no_ratio_and_is_no_measure_of_others(tmp_path):
    report = Report("t", tmp_path, ours="b", rows=[*rows_of(2.0), Measured("b", 1.0, 1.0, 1.0, exit_code=1)])
    assert set(report.ratios(report.rows[1]).values()) == {None}
    assert report.ratios(report.rows[0])["to_ours"] is None
    assert report.text().splitlines()[-1].endswith(" 1")


def test_the_same_table_is_text_and_markdown_and_says_what_is_left_out(tmp_path):
    report = Report("Four", tmp_path, ours="b", rows=rows_of(1.0, 4.0), left_out={"d": "no --rivals"})
    assert "4.00" in report.text()
    assert "Left out: d (no --rivals)." in report.text()
    assert report.markdown().splitlines()[2:6] == [
        "|  | seconds | to minimum | to ours | peak MiB |",
        "|---|---:|---:|---:|---:|",
        "| a | 1.00 | 1.00 | 0.25 | 100 |",
        "| b | 4.00 | 4.00 | 1.00 | 100 |",
    ]


def test_growth_is_the_time_a_row_beside_that_of_the_log_before():
    def measured(what, seconds, **facts):
        return Measured(what, seconds, seconds, 1.0, facts=facts)

    small = [measured("s: group-by", 1.0, rows=1_000), measured("s: check", 2.0)]
    large = [measured("l: group-by", 10.0, rows=10_000), measured("l: check", 30.0), measured("l: list --top 9", 1.0)]
    found = {row.what: row.facts for row in scale.with_growth([*small, *large], ["s: ", "l: "])}
    assert found["s: check"] == {"ns a row": 2e6}
    assert found["l: check"] == {"ns a row": pytest.approx(3e6), "growth": pytest.approx(1.5)}
    assert found["l: list --top 9"] == {}


def test_a_process_that_fails_is_measured_and_its_last_words_are_shown(tmp_path, capsys):
    (found,) = measure("missing", part("group_by", tmp_path / "missing.parquet"), tmp_path)
    assert found.exit_code == 1
    assert "missing.parquet" in capsys.readouterr().err


def test_memory_and_time_are_those_of_the_process_and_those_it_starts(tmp_path):
    grow = "x = bytearray(300 << 20); import time; time.sleep(0.8)"
    (found,) = measure("child", ["/bin/sh", "-c", f"python3 -c '{grow}'; true"], tmp_path)
    assert found.peak_mib > 300
    assert 0.8 < found.seconds < 10
    assert found.cpu_seconds < found.seconds


@pytest.mark.parametrize("as_of", [AS_OF, "2025-03-01"])
def test_pandas_computes_every_feature_that_ours_does(log, as_of):
    ours = regulars.features(log, as_of)
    found = pandas_features.features(log, date.fromisoformat(as_of)).sort_index()
    assert set(found.columns) == set(ours.columns)
    pd.testing.assert_frame_equal(found[list(ours)], ours, check_names=False, check_index_type=False, rtol=1e-6)


def test_drawn_customers_follow_the_known_parameters():
    table = draw(20_000, 7)
    history = [table[name].to_numpy() for name in ("frequency", "recency", "T")]
    fitted = BGNBD.fit(*history)
    assert np.log([fitted.r, fitted.alpha]) == pytest.approx(np.log([TRUTH.r, TRUTH.alpha]), abs=0.1)
    assert fitted.log_likelihood(*history).sum() == pytest.approx(TRUTH.log_likelihood(*history).sum(), rel=1e-4)


@pytest.mark.slow
def test_features_are_compared_with_a_group_by_and_with_pandas(run, log):
    rows, found, printed = run(features, log, "--as-of", AS_OF)
    assert rows[features.OURS]["to_minimum"] == pytest.approx(
        rows[features.OURS]["seconds"] / rows["group-by in DuckDB"]["seconds"]
    )
    assert rows["group-by in DuckDB"]["facts"]["customers"] == 300
    assert set(found["left_out"]) == set(features.RIVALS)
    assert "lifetimes" in printed


@pytest.mark.slow
def test_every_way_of_taking_twelve_snapshots_brings_the_same_rows(run, log):
    rows, _, _ = run(snapshots, log, "--as-of", AS_OF)
    brought = [row["facts"]["rows"] for row in rows.values()]
    assert brought[1] == brought[2] == brought[3] > brought[0] > 0


@pytest.mark.slow
def test_a_fit_is_judged_by_a_likelihood_that_is_not_its_own(run):
    rows, found, _ = run(btyd, "--customers", 2_000)
    ours = rows[btyd.OURS]["facts"]
    assert ours[btyd.BEHIND] == 0
    assert ours[btyd.LIKELIHOOD] > next(iter(rows.values()))["facts"][btyd.LIKELIHOOD]
    assert set(found["left_out"]) == set(btyd.RIVALS)


def commands(stages):
    """Return the words of each `regulars …` command among the command lines."""
    lines = [[str(word) for word in stage[1]] for stage in stages]
    return [line[line.index("regulars") + 1 :] for line in lines if "regulars" in line]


def test_every_command_that_is_measured_can_be_given(log):
    given = Namespace(memory="1GB", as_of=AS_OF, horizon=90, engine="local[2]", rest=[])
    given.customer_id, given.timestamp, given.amount = scale.COLUMNS
    asked = [*commands(lists.stages()), *commands(scale.stages(log, given))]
    assert {words[0] for words in asked} == {"check", "features", "train", "score", "list"}
    for words in asked:
        cli.app.parse_args(words, exit_on_error=False, print_error=False)


@pytest.mark.slow
def test_scoring_is_compared_with_ledger_snapshot_and_raw_predictions_of_the_same_rows(
    run, log, tmp_path, new_registry, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", new_registry(tmp_path))
    rows, _, _ = run(score, log, "--as-of", EARLY)
    least = [rows[what] for what in ("log to ledger", "snapshot", "raw Booster.predict")]
    assert rows[score.MINIMUM]["seconds"] == pytest.approx(sum(row["seconds"] for row in least))
    scored = {rows[what]["facts"]["rows"] for what in ("raw Booster.predict", score.OURS, score.REASONED)}
    assert len(scored) == 1


def test_tables_of_a_page_are_replaced_between_their_marks():
    page = "a\n<!-- table: one -->\nold\n<!-- end -->\nb\n<!-- table: two -->\nkept\n<!-- end -->\n"
    assert filled(page, "one", "new\n") == page.replace("old", "new")
    assert filled(page, "three", "new") == page


def test_the_page_of_scale_has_a_place_for_every_table():
    page = (Path(__file__).parents[1] / "docs" / "scale.md").read_text(encoding="utf-8")
    for name in ("features", "snapshots", "train", "score", "btyd", "lists", "scale"):
        assert filled(page, name, "new") != page
