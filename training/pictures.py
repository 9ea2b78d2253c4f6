"""Pictures of an evaluation: calibration, coverage, gain curve, deciles, importances."""

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.bundle import Bundle
from training.evaluate import Evaluation
from training.groups import PROMISED_COVERAGE, by_churn, covered
from training.metrics import deciles, gain_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito (2008): told apart with any colour vision.
MODEL_COLOUR, ACTUAL_COLOUR, QUIET_COLOUR = "#0072B2", "#E69F00", "#767676"
MOST_FEATURES = 20
DOTS_AN_INCH = 110


def pictures(evaluation: Evaluation) -> dict[str, "Figure"]:
    """Return the pictures of an evaluation by name.

    They are `calibration`, `coverage`, `gain_curve`, `deciles` and `importances`.
    """
    return {
        "calibration": calibration(evaluation.customers),
        "coverage": coverage_chart(evaluation.customers),
        "gain_curve": gains(evaluation.customers),
        "deciles": decile_chart(evaluation.customers),
        "importances": importances(evaluation.fitted.bundle),
    }


def truth_picture(customers: pd.DataFrame) -> "Figure":
    """Draw spend by decile and churn calibration side by side."""
    figure = _figure(12, 4.5)
    left, right = figure.subplots(1, 2)
    _draw_deciles(customers, left)
    _draw_calibration(customers, right)
    return figure


def calibration(customers: pd.DataFrame) -> "Figure":
    """Draw predicted against actual churn by decile of the prediction, with 95 % Wilson intervals of the latter."""
    figure = _figure(7, 4.5)
    _draw_calibration(customers, figure.subplots())
    return figure


def _draw_calibration(customers: pd.DataFrame, axes: "Axes") -> None:
    table = by_churn(customers)
    _title(axes, "Churn probability, predicted and actual")
    axes.plot([0, 1], [0, 1], color=QUIET_COLOUR, linestyle="--", label="perfect")
    _draw_shares(axes, table["expected"].to_numpy(), table, "deciles of customers, 95 % interval")
    axes.set(xlabel="predicted churn probability", ylabel="share that churned", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False)


def coverage_chart(customers: pd.DataFrame) -> "Figure":
    """Draw the share of customers inside their 80 % interval by decile of expected spend, with Wilson intervals."""
    table = covered(customers)
    figure = _figure(7, 4.5)
    axes = figure.subplots()
    _title(axes, "Customers whose spend fell into their 80 % interval")
    places = np.arange(len(table))
    axes.axhline(PROMISED_COVERAGE * 100, color=QUIET_COLOUR, linestyle="--", label="promised")
    _draw_shares(axes, places, table[["actual", "low", "high"]] * 100, "deciles of customers, 95 % interval")
    axes.set(xlabel="decile, 1 is the highest prediction", ylabel="share inside, %", ylim=(0, 101))
    axes.set_xticks(places, [str(decile) for decile in table.index])
    axes.legend(frameon=False, loc="lower left")
    return figure


def _draw_shares(axes: "Axes", places: NDArray[Any], table: pd.DataFrame, label: str) -> None:
    actual = table["actual"]
    # Rounding may put a share of 0 or 1 a hair outside its own interval.
    reach = np.clip([actual - table["low"], table["high"] - actual], 0.0, None)
    axes.errorbar(places, actual, reach, color=MODEL_COLOUR, marker="o", capsize=3, label=label)


def gains(customers: pd.DataFrame) -> "Figure":
    """Draw the share of spend that the best-ranked customers brought."""
    spend, expected = customers["net_spend"].to_numpy(), customers["expected_spend"].to_numpy()
    figure = _figure(7, 4.5)
    axes = figure.subplots()
    _title(axes, "Spend brought by the best-ranked customers")
    for label, ranking, colour in (
        ("ranked by prediction", expected, MODEL_COLOUR),
        ("ranked with hindsight", spend, ACTUAL_COLOUR),
    ):
        curve = gain_curve(spend, ranking, points=100)
        axes.plot(curve.index * 100, curve * 100, color=colour, label=label)
    axes.plot([0, 100], [0, 100], color=QUIET_COLOUR, linestyle="--", label="at random")
    axes.set(xlabel="best-ranked customers, %", ylabel="share of all spend, %", xlim=(0, 100), ylim=(0, 101))
    axes.legend(frameon=False, loc="lower right")
    return figure


def decile_chart(customers: pd.DataFrame) -> "Figure":
    """Draw mean predicted and actual spend by decile of the prediction."""
    figure = _figure(7, 4.5)
    _draw_deciles(customers, figure.subplots())
    return figure


def _draw_deciles(customers: pd.DataFrame, axes: "Axes") -> None:
    table = deciles(customers["net_spend"].to_numpy(), customers["expected_spend"].to_numpy())
    _title(axes, "Spend a customer by decile of the prediction")
    places = np.arange(len(table))
    axes.bar(places - 0.2, table["expected"], 0.4, color=MODEL_COLOUR, label="predicted")
    axes.bar(places + 0.2, table["actual"], 0.4, color=ACTUAL_COLOUR, label="actual")
    axes.set(xlabel="decile, 1 is the highest prediction", ylabel="mean spend in the horizon, money")
    axes.set_xticks(places, [str(decile) for decile in table.index])
    axes.legend(frameon=False)


def importances(bundle: Bundle) -> "Figure":
    """Draw the features that split best, by their share of the gain in the spend and in the churn trees."""
    shares = importance_table(bundle)
    top = shares.loc[shares.mean(axis=1).nlargest(MOST_FEATURES).index[::-1]]
    figure = _figure(7, 6.5)
    axes = figure.subplots()
    _title(axes, "What the trees look at, beyond BTYD")
    places = np.arange(len(top))
    axes.barh(places + 0.2, top["spend"] * 100, 0.4, color=MODEL_COLOUR, label="spend")
    axes.barh(places - 0.2, top["churn"] * 100, 0.4, color=ACTUAL_COLOUR, label="churn")
    axes.set_yticks(places, top.index)
    axes.set(xlabel="share of the gain, %")
    axes.legend(frameon=False, loc="lower right")
    return figure


def importance_table(bundle: Bundle) -> pd.DataFrame:
    """Return each feature's share of the gain, `spend` and `churn`, indexed by feature."""
    boosters: dict[str, Any] = {
        "spend": bundle.spend.members_["spend"].booster_,
        "churn": bundle.churn.members_["rate"].booster_,
    }
    gain = {name: booster.feature_importance("gain") for name, booster in boosters.items()}
    table = pd.DataFrame(gain, index=pd.Index(bundle.spend.feature_names_in_, name="feature"))
    return table / table.sum().clip(lower=1e-12)


def png(figure: "Figure") -> bytes:
    """Return a picture as a PNG file."""
    page = BytesIO()
    figure.savefig(page, format="png", dpi=DOTS_AN_INCH)
    return page.getvalue()


def _figure(width: float, height: float) -> "Figure":
    # Slow to load, and most who load this module draw nothing.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _title(axes: "Axes", title: str) -> None:
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
