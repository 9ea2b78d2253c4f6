"""The encoding: columns in their order, a code for each category, and everything else refused by name."""

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from models.encoding import MOST_CATEGORIES, Encoding
from regulars.errors import BundleError

TRAINING = pd.DataFrame(
    {
        "recency_days": [3.0, 80.0, 9.0, 1.0],
        "country": ["FR", "DE", "FR", None],
        "sd_gap_days": [np.nan, 4.0, np.nan, 2.5],
        "channel": ["web", "web", "shop", "shop"],
    }
)


@pytest.fixture(scope="module")
def encoding():
    return Encoding.of(TRAINING)


def test_columns_keep_their_order_and_text_is_categorical(encoding):
    assert encoding.columns == ("recency_days", "country", "sd_gap_days", "channel")
    assert encoding.numeric == ["recency_days", "sd_gap_days"]


def test_categories_are_ranked_by_how_often_they_occur_then_by_name(encoding):
    assert encoding.categories == {"country": ("FR", "DE"), "channel": ("shop", "web")}


def test_numbers_stay_and_categories_become_their_codes(encoding):
    encoded = encoding.encode(TRAINING)
    expected = pd.DataFrame(
        {
            "recency_days": [3.0, 80.0, 9.0, 1.0],
            "country": [0.0, 1.0, 0.0, np.nan],
            "sd_gap_days": [np.nan, 4.0, np.nan, 2.5],
            "channel": [1.0, 1.0, 0.0, 0.0],
        }
    )
    pd.testing.assert_frame_equal(encoded, expected, check_exact=True)


def test_an_unseen_category_is_as_good_as_a_missing_one(encoding):
    unseen = encoding.encode(TRAINING.assign(country="Atlantis"))
    missing = encoding.encode(TRAINING.assign(country=None))
    pd.testing.assert_frame_equal(unseen, missing)
    assert unseen["country"].isna().all()


def test_columns_may_come_in_any_order_and_customers_in_any_index(encoding):
    turned = TRAINING.iloc[:, ::-1].set_axis(["d", "b", "c", "a"])
    encoded = encoding.encode(turned)
    assert list(encoded.columns) == list(TRAINING.columns)
    assert list(encoded.index) == ["d", "b", "c", "a"]
    assert encoded.reset_index(drop=True).equals(encoding.encode(TRAINING))


@pytest.mark.parametrize("kind", ["object", "string", "category", "str"])
def test_text_is_text_however_a_table_holds_it(encoding, kind):
    held = TRAINING.astype({"country": kind, "channel": kind})
    pd.testing.assert_frame_equal(encoding.encode(held), encoding.encode(TRAINING))
    assert Encoding.of(held) == encoding


@pytest.mark.parametrize("kind", ["int64", "float32", "Int64", "Float64"])
def test_numbers_are_numbers_however_a_table_holds_them(encoding, kind):
    held = TRAINING.astype({"recency_days": kind})
    pd.testing.assert_frame_equal(encoding.encode(held), encoding.encode(TRAINING))


def test_a_column_without_any_value_has_no_type_to_refuse(encoding):
    empty = TRAINING.assign(sd_gap_days=None, country=np.nan)
    encoded = encoding.encode(empty)
    assert encoded[["sd_gap_days", "country"]].isna().all(axis=None)
    assert (encoded.dtypes == np.float64).all()


def test_the_hundred_most_frequent_categories_have_codes_and_rarer_ones_count_as_missing():
    often = [f"often {i:03}" for i in range(MOST_CATEGORIES)]
    table = pd.DataFrame({"city": often * 2 + ["seldom"]})
    encoding = Encoding.of(table)
    assert encoding.categories["city"] == tuple(often)
    assert encoding.encode(table)["city"].isna().tolist() == [False] * 200 + [True]


def test_missing_columns_are_named(encoding):
    with pytest.raises(BundleError, match=r"without recency_days, channel\. Map the log"):
        encoding.encode(TRAINING.drop(columns=["recency_days", "channel"]))


def test_unknown_columns_are_named(encoding):
    with pytest.raises(BundleError, match=r"with the unknown loyalty, age\. Map the log"):
        encoding.encode(TRAINING.assign(loyalty="gold", age=44.0))


def test_text_where_numbers_were_is_refused_by_name(encoding):
    with pytest.raises(BundleError, match="with text instead of numbers in recency_days"):
        encoding.encode(TRAINING.assign(recency_days=["3", "80", "9", "1"]))


def test_numbers_where_text_was_are_refused_by_name(encoding):
    with pytest.raises(BundleError, match="with numbers instead of text in channel"):
        encoding.encode(TRAINING.assign(channel=[1.0, 2.0, 3.0, 4.0]))


def test_all_that_is_wrong_is_said_at_once(encoding):
    wrong = TRAINING.drop(columns="country").assign(channel=7, recency_days="3", extra=1.0)
    with pytest.raises(BundleError) as refusal:
        encoding.encode(wrong)
    message = str(refusal.value)
    for part in ("without country", "unknown extra", "numbers in recency_days", "text in channel", "train again"):
        assert part in message


def test_an_encoding_survives_json(encoding):
    assert Encoding.from_dict(json.loads(json.dumps(asdict(encoding)))) == encoding
