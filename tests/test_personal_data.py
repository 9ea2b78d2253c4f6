"""Personal data in the customers table: kept for those who write to customers, never learnt from, never in a model."""

from datetime import date
from itertools import product

import numpy as np
import pandas as pd
import pytest

from features.catalogue import catalogue
from features.ledger import build_ledger
from features.log import Log
from features.profiles import is_personal
from features.snapshot import snapshot
from models.bundle_files import save_bundle
from models.registry import Registered
from regulars.errors import BundleError
from serving.score import score
from serving.store import Store
from training.fit import Fitting, fit_bundle

AS_OF, NIGHT = date(1998, 4, 1), date(1998, 4, 20)


def people(ids):
    """Return a customers table as a shop exports it: who people are, beside what predictions may be made from."""
    ids = sorted(set(ids))
    rng = np.random.default_rng(3)
    n = len(ids)
    names = [f"{a}{b}{c}" for a, b, c in product(("Ann", "Ben", "Cyd"), ("a", "o", "e"), map(str, range(n // 9 + 1)))][
        :n
    ]
    return pd.DataFrame(
        {
            "customer_id": ids,
            "E-Mail": [f"{name}@example.org" for name in names],
            "phone": [f"+44207946{i:04}" for i in range(n)],
            "mobile_phone": [f"49151{i:07}" for i in range(n)],
            "First Name": names,
            "date_of_birth": [f"19{i % 90 + 10}-0{i % 9 + 1}-11" for i in range(n)],
            "loyalty_card": [f"card-{i:06}" for i in range(n)],
            "country": rng.choice(["FR", "DE", "IT"], n),
            "email_consent": rng.choice(["yes", "no"], n),
            "email_clicks": rng.poisson(3, n),
            "age": rng.integers(18, 90, n).astype(str),
        }
    )


LEARNT = ["country", "email_consent", "email_clicks", "age"]


@pytest.fixture(scope="module")
def ledger(cdnow_sample):
    return build_ledger(Log(cdnow_sample, customers=people(cdnow_sample["customer_id"].astype(str))))


@pytest.fixture(scope="module")
def bundle(ledger):
    return fit_bundle(ledger, AS_OF, 90, Fitting(rows=1_000)).bundle


PERSONAL = (
    "email|E-Mail|EMAIL_ADDRESS|Customer Email|phone|phone_number|Mobile|name|First Name|last_name|surname|Full-Name|"
    "street|address_line_1|billing_address|Telefonnummer|DOB"
)
NOT_PERSONAL = (
    "customer_id|country|city|email_consent|email_opens|mobile_app|store_name|name_day_discount|consent|"
    "acquisition_channel|acquisition_cost|nominee|phone_plan"
)


@pytest.mark.parametrize("name", PERSONAL.split("|"))
def test_such_a_name_is_personal(name):
    assert is_personal(name)


@pytest.mark.parametrize("name", NOT_PERSONAL.split("|"))
def test_such_a_name_is_not(name):
    assert not is_personal(name)


def test_features_are_made_of_what_describes_people_and_not_of_what_names_them(ledger):
    assert [name for name in ledger.customers.columns if name != "customer_id"] == LEARNT
    assert set(ledger.set_aside) == {"E-Mail", "phone", "mobile_phone", "First Name", "date_of_birth", "loyalty_card"}
    assert not set(ledger.set_aside) & set(catalogue(ledger).index)
    assert not set(ledger.set_aside) & set(snapshot(ledger, AS_OF).columns)


def test_numbers_to_call_stay_as_they_are_written_and_ages_become_numbers(ledger):
    row = ledger.profiles.order_by("customer_id").limit(1).to_pyarrow().to_pylist()[0]
    assert (row["phone"], row["mobile_phone"]) == ("+442079460000", "491510000000")
    assert isinstance(row["age"], float)


def test_a_text_column_of_few_values_stays_however_few_customers_there_are():
    log = pd.DataFrame({"customer_id": list("abcd"), "timestamp": "2024-01-01", "amount": 1.0})
    table = pd.DataFrame({"customer_id": list("abcd"), "city": ["Rome", "Bern", "Oslo", "Lund"]})
    assert "city" in build_ledger(Log(log, customers=table, today=date(2024, 2, 1))).customers.columns


@pytest.mark.slow
class TestModel:
    def test_no_trace_of_a_person_is_in_the_files_of_a_model(self, bundle, tmp_path):
        save_bundle(bundle, tmp_path)
        text = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert b"country" in text
        for trace in (b"@example", b"+4420", b"491510000", b"card-", b"Anna", b"loyalty"):
            assert trace not in text

    def test_scores_are_made_and_the_store_keeps_the_people(self, bundle, ledger, tmp_path):
        store = Store(tmp_path / "store")
        score(ledger, NIGHT, Registered(bundle, "regulars-90d", "1", "run"), store)
        found = store.customers().to_pandas()
        assert found["E-Mail"].str.endswith("@example.org").all()
        assert len(found) == store.scores().count().to_pyarrow().as_py()
        said = " ".join(reason for reasons in store.scores().to_pandas()["reasons"] for reason in reasons)
        assert "@" not in said

    def test_a_column_that_names_people_only_today_changes_no_score(self, bundle, ledger, cdnow_sample, tmp_path):
        """Whether a text column of many values names people may change between training and scoring."""
        table = people(cdnow_sample["customer_id"].astype(str))
        table["loyalty_card"] = [f"card-{i // 8:06}" for i in range(len(table))]  # families share one now
        shared = build_ledger(Log(cdnow_sample, customers=table))
        assert "loyalty_card" in shared.customers.columns
        stores = []
        for name, known in (("own", ledger), ("shared", shared)):
            stores.append(Store(tmp_path / name))
            score(known, NIGHT, Registered(bundle, "regulars-90d", "1", "run"), stores[-1])
        own, other = (s.scores().drop("scored_at").to_pandas().sort_values("customer_id") for s in stores)
        pd.testing.assert_frame_equal(own.reset_index(drop=True), other.reset_index(drop=True), check_exact=True)

    def test_a_new_column_that_describes_people_is_still_refused(self, bundle, cdnow_sample, tmp_path):
        table = people(cdnow_sample["customer_id"].astype(str)).assign(tariff="gold")
        with pytest.raises(BundleError, match="the unknown tariff"):
            score(
                build_ledger(Log(cdnow_sample, customers=table)),
                NIGHT,
                Registered(bundle, "regulars-90d", "1", "run"),
                Store(tmp_path),
            )
