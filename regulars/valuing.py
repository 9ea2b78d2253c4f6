"""Economics: the command and the verb that say what customers are worth against what they cost."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from regulars.flags import OutputFlags
from regulars.screen import Screen

if TYPE_CHECKING:
    from serving.valuation.worth import Worth

OUTPUT = OutputFlags()
OLD = "this store is of an older version and knows no ledger of its customers: score again to see what they were worth"
NONE = "-"
TITLES = {"segment": "segment", "channel": "channel", "cohort": "first purchase", "value_tier": "value tier"}


def economics(
    store: str | Path,
    by: Literal["segment", "channel", "cohort", "value_tier"] = "segment",
    as_of: date | str | None = None,
    horizon: int | None = None,
) -> "Worth":
    """Return what customers are worth against what they cost: by group, how concentrated, and beside the textbook.

    Parameters
    ----------
    store
        Folder of the store.
    by
        What to group customers by: `cohort` is the month of the first purchase.
    as_of
        As-of date of the scores; None: the newest.
    horizon
        Horizon of the scores; None: the only one there is.

    Raises
    ------
    RegularsError
        The store holds no such scores, or there is no such group.
    """
    from regulars.errors import RegularsError
    from regulars.opening import day_of
    from serving.economics import GROUPS
    from serving.store import Store
    from serving.valuation.worth import worth

    if by not in GROUPS:
        raise RegularsError(f"customers cannot be grouped by {by!r}, only by {', '.join(GROUPS)}")
    return worth(Store(Path(store)), by, day_of(as_of), horizon)


def economics_(
    *,
    store: Path,
    by: Literal["segment", "channel", "cohort", "value_tier"] = "segment",
    as_of: date | None = None,
    horizon: int | None = None,
    output: OutputFlags = OUTPUT,
) -> None:
    """Say what customers are worth against what they cost, by group, beside the textbook formulas.

    Parameters
    ----------
    store
        Folder of the store.
    by
        What to group customers by; cohort is the month of the first purchase.
    as_of
        As-of date of the scores; by default the newest.
    horizon
        Horizon of the scores; needed where the store holds several.
    """
    screen = Screen(output.quiet, output.json)
    found = economics(store, by, as_of, horizon)
    screen.facts(_facts(found))
    screen.table("What they were and will be worth", *_groups(found, by))
    if found.groups["acquisition_cost"].notna().any():
        screen.table("Against what they cost", *_costs(found, by))
    screen.table(f"Share of {_called(found)} of the best customers", *_concentration(found))
    screen.table("Textbook formulas: averages, one number for everybody", *_textbook(found))
    for row in found.textbook.itertuples():
        screen.say(f"{row.name}: {row.note}")
    screen.result(found.to_dict())


def _called(found: "Worth") -> str:
    return "CLV" if found.called == "clv" else "discounted revenue"


def _facts(found: "Worth") -> dict[str, str]:
    terms, total, groups = found.record.get("economics") or {}, found.record.get("total"), found.groups
    facts = {"as of": f"{found.as_of}, {found.horizon_days} days ahead, {groups['customers'].sum():,} customers"}
    if found.basis == "margin":
        facts["value"] = f"discounted margin, at {terms.get('margin') or 0:.1%} of what is sold in all"
    else:
        facts["value"] = "discounted revenue and no CLV: no margin was given when scoring (--margin)"
    if terms:
        facts["lifetime"] = f"{terms['lifetime_days']} days ahead, discounted at {terms['discount']:.0%} a year"
    if total:
        facts["revenue"] = f"{total['expected_spend']:,.0f}, {total['low']:,.0f} to {total['high']:,.0f} 4 times in 5"
    if (groups[found.called] < 0).any():
        facts["negative"] = "some groups cost more than they pay: their value is below 0, and so is their share"
    if groups["historic_value"].isna().all():
        facts["note"] = OLD
    elif groups["acquisition_cost"].isna().all():
        facts["cost"] = "not known: give --acquisition-cost when scoring to see it beside what customers are worth"
    return facts


def _groups(found: "Worth", by: str) -> tuple[Any, Any]:
    columns = (TITLES[by], "customers", "so far", _called(found), "share", f"next {found.horizon_days} days")
    rows = [
        (
            str(row[by]),
            f"{row['customers']:,}",
            _cell(row["historic_value"], ",.0f"),
            _cell(row[found.called], ",.0f"),
            _cell(row["share_of_value"], ".1%"),
            _cell(row["expected_spend"], ",.0f"),
        )
        for _, row in found.groups.iterrows()
    ]
    return columns, rows


def _costs(found: "Worth", by: str) -> tuple[Any, Any]:
    rows = [
        (
            str(row[by]),
            _cell(row["lifetime_value"], ",.0f"),
            _cell(row["acquisition_cost"], ",.0f"),
            _cell(row["ltv_cac"], ".1f"),
            "?" if _missing(row["enough"]) else ("yes" if row["enough"] else "no"),
            _cell(row["payback_months"], ".1f", "never"),
        )
        for _, row in found.groups.astype({"enough": object}).iterrows()
    ]
    return (TITLES[by], "in all", "cost", "LTV:CAC", "3 or more", "months to pay back"), rows


def _concentration(found: "Worth") -> tuple[Any, Any]:
    rows = [
        (f"best {row.top_share:.0%}", f"{row.customers:,}", f"{row.value:,.0f}", _cell(row.share_of_value, ".1%"))
        for row in found.concentration.itertuples()
    ]
    return ("", "customers", _called(found), "share"), rows


def _textbook(found: "Worth") -> tuple[Any, Any]:
    rows = [(row.name, _cell(row.value, ",.2f", "none"), row.basis) for row in found.textbook.itertuples()]
    mean = found.groups[found.called].sum() / max(found.groups["customers"].sum(), 1)
    own = (f"Regulars: mean {_called(found)} ahead", f"{mean:,.2f}", found.basis or "revenue")
    return ("", "a customer", "of"), [*rows, own]


def _cell(value: Any, form: str, absent: str = NONE) -> str:
    return absent if _missing(value) else format(value, form)


def _missing(value: Any) -> bool:
    from pandas import isna

    return bool(isna(value))
