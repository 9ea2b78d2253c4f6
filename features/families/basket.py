"""Basket: how many things, how many different ones, and how concentrated on few; for logs that name them."""

from collections.abc import Callable
from typing import Any

from features.exact import highest, share, total
from features.families.family import Expressions, Family, Feature
from features.transactions import MONEY_SCALE


def _variety_features(plural: str) -> tuple[Feature, ...]:
    return (
        Feature(
            f"{plural}_distinct",
            "count",
            f"Different {plural} bought so far.",
            f"{{{plural}_distinct:.0f}} different {plural} so far",
        ),
        Feature(
            f"{plural}_mean",
            "count",
            f"Mean number of different {plural} a purchase day.",
            f"{{{plural}_mean:.1f}} {plural} a purchase day",
        ),
        Feature(
            f"{plural}_max",
            "count",
            f"Most different {plural} on one day.",
            f"up to {{{plural}_max:.0f}} {plural} on one day",
        ),
        Feature(
            f"{plural}_last",
            "count",
            f"Different {plural} on the last purchase day.",
            f"{{{plural}_last:.0f}} {plural} on the last purchase day",
        ),
        Feature(
            f"{plural}_repeat_share",
            "share",
            f"Share of the {plural} that had been bought on an earlier day.",
            f"{{{plural}_repeat_share:.0%}} of {plural} bought before",
        ),
        Feature(
            f"{plural}_concentration",
            "share",
            f"Herfindahl index of the days on which each of the {plural} was bought: 1 is always the same one.",
        ),
    )


def _variety_aggregates(plural: str) -> Callable[[Any, int], Expressions]:
    def aggregates(known: Any, window: int) -> Expressions:
        return {
            f"{plural}_distinct": total(known[f"new_{plural}"]),
            f"_{plural}": total(known[plural]),
            f"_squares_{plural}": total(known[f"squares_{plural}"]),
            f"{plural}_max": highest(known[plural]),
            f"{plural}_last": highest(known[plural], known.last),
        }

    return aggregates


def _variety_ratios(plural: str) -> Callable[[Any, int], Expressions]:
    def ratios(customers: Any, window: int) -> Expressions:
        bought = customers[f"_{plural}"]
        return {
            f"{plural}_mean": share(bought, customers.purchase_days),
            f"{plural}_repeat_share": 1.0 - share(customers[f"{plural}_distinct"], bought),
            f"{plural}_concentration": share(customers[f"_squares_{plural}"], bought * bought),
        }

    return ratios


def _variety(plural: str) -> Family:
    """Return the family of one kind of thing: breadth is the count of new ones, concentration a sum of squares."""
    return Family(
        plural, _variety_features(plural), _variety_aggregates(plural), _variety_ratios(plural), requires=plural
    )


def _item_aggregates(known: Any, window: int) -> Expressions:
    return {
        "items": total(known["items"]) / float(MONEY_SCALE),
    }


def _item_ratios(customers: Any, window: int) -> Expressions:
    return {
        "items_mean": share(customers["items"], customers.purchase_days),
        "item_value": share(customers.gross, customers["items"]),
    }


ITEMS = Family(
    "items",
    (
        Feature("items", "count", "Quantity bought in all.", "{items:.0f} items bought so far"),
        Feature("items_mean", "count", "Mean quantity a purchase day.", "{items_mean:.1f} items a purchase day"),
        Feature("item_value", "money", "Gross spend an item.", "{item_value:,.2f} an item on average"),
    ),
    _item_aggregates,
    _item_ratios,
    requires="items",
)
FAMILIES = (ITEMS, _variety("products"), _variety("categories"), _variety("channels"))
