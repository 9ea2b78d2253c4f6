"""The churn model: the probability of no purchase in the outcome window."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from models.booster import OffsetBooster, blanked
from models.calibration import logit, shift_to_mean
from models.outlook import Outlook
from models.ridge import FEWEST_RIDGE_ROWS, OffsetRidge, ridge_columns

FloatArray = NDArray[np.float64]


MEMBERS = ("rate", "btyd", "ridge")
PARAMETRIC = ("parametric",)
"""BTYD's own log-odds, for logs on which trees find nothing that lasts."""


class ChurnModel(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Probability that a customer does not buy in the outcome window, as the mean of three log-odds.

    One booster starts from the active rate of each snapshot, another from BTYD's own probability shifted to that rate,
    and a ridge regression from the rate as well. A matrix without the columns of BTYD is modelled by the first alone.

    Parameters
    ----------
    trees
        Trees of each booster.
    seed
        Seed of the boosters.
    threads
        Threads of LightGBM; 0: all cores. It changes no result.
    members
        Members of the mean. All are fitted: `active_logit` can tell what another choice would predict; ``parametric``
        is what the buy-till-you-die model says.
    boosting
        LightGBM parameters in place of the defaults, see `models.booster`; None: none.
    unused
        Columns that no tree and no ridge may see.
    dask
        Address of a Dask scheduler on whose workers the trees grow, see `models.cluster`; None: in this process.
    """

    def __init__(
        self,
        trees: int = 130,
        seed: int = 0,
        threads: int = 0,
        members: Sequence[str] = MEMBERS,
        boosting: Mapping[str, Any] | None = None,
        unused: Sequence[str] = (),
        dask: str | None = None,
    ) -> None:
        self.trees = trees
        self.seed = seed
        self.threads = threads
        self.members = members
        self.boosting = boosting
        self.unused = unused
        self.dask = dask

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        outlook: Outlook | None = None,
        categorical: Sequence[str] = (),
    ) -> Self:
        """Fit the members.

        Parameters
        ----------
        X
            Snapshot columns, and those of `models.bundle.modelled`, n rows.
        y
            Whether the customer churned (n,): two classes, the larger label is the churned one.
        outlook
            Active rate and length of each row's outcome window; None: one snapshot, with the rate among the rows.
        categorical
            Columns that hold category codes.

        Returns
        -------
        Self
            With `classes_`, `members_` and `base_logit_`, the log-odds of being active over all rows.

        Raises
        ------
        ValueError
            X is not numeric or has fewer than two rows, or y does not have two classes.
        """
        matrix, labels = validate_data(
            self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2
        )
        self.classes_ = np.array([False, True]) if labels.dtype == bool else _two_classes(labels)
        active = (labels != self.classes_[1]).astype(np.float64)
        names = list(getattr(self, "feature_names_in_", ()))
        by_btyd = matrix[:, names.index("btyd_active")] if "btyd_active" in names else None
        outlook = outlook or Outlook.plain(len(active), float(active.mean()), by_btyd)
        codes = [names.index(name) for name in categorical]
        whole, rate = outlook.whole, logit(outlook.rate)
        self.base_logit_ = float(logit(float(active[whole].mean())))
        seen = blanked(matrix, names, self.unused)
        self.members_: dict[str, Any] = {"rate": self._booster(0).fit(seen, active, rate, codes, outlook.weight)}
        if by_btyd is None:
            return self
        self.members_["btyd"] = self._booster(1).fit(seen, active, _shifted(outlook), codes, outlook.weight)
        if whole.sum() >= FEWEST_RIDGE_ROWS and active[whole].any():
            used, curved = ridge_columns(names, codes, self.unused)
            ridge = OffsetRidge("binary").fit(matrix[whole], active[whole], rate[whole], curved, used)
            self.members_["ridge"] = ridge
        return self

    def active_logit(self, X: ArrayLike, members: Sequence[str] | None = None) -> FloatArray:
        """Return the log-odds of being active (n,), up to the constant that the level forecast sets.

        `members` in place of the model's own; of those that were fitted, the trees from the rate where none was.
        """
        check_is_fitted(self)
        matrix = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        return self.allocate(matrix, members)

    def allocate(self, matrix: FloatArray, members: Sequence[str] | None = None) -> FloatArray:
        """Return what `active_logit` does of the columns of the training (n, k), float64 in C order; not checked."""
        chosen = [name for name in (self.members if members is None else members) if self._has(name)] or ["rate"]
        odds = [self._odds(name, matrix) for name in chosen]
        # Not `np.mean`: in which order it adds depends on how many customers come at once.
        mean: FloatArray = sum(odds[1:], odds[0]) / len(chosen)
        return mean

    def _has(self, name: str) -> bool:
        return name in self.members_ or (name == "parametric" and "btyd" in self.members_)

    def _odds(self, name: str, matrix: FloatArray) -> FloatArray:
        """Return one member's log-odds (n,)."""
        if name in ("rate", "ridge"):
            alone: FloatArray = self.base_logit_ + self.members_[name].correction(matrix)
            return alone
        btyd: FloatArray = logit(matrix[:, list(self.feature_names_in_).index("btyd_active")])
        return btyd if name == "parametric" else btyd + self.members_[name].correction(matrix)

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Return the probabilities of staying and of churning (n, 2)."""
        active = expit(self.active_logit(X))
        return np.column_stack([active, 1.0 - active])

    def predict(self, X: ArrayLike) -> Any:
        """Return the more probable class (n,)."""
        churned = self.predict_proba(X)[:, 1] > 0.5
        return self.classes_[churned.astype(int)]

    def _booster(self, place: int) -> OffsetBooster:
        # Members that drew the same columns and rows would share their luck, and the mean would not even it out.
        return OffsetBooster("binary", self.trees, self.seed + place, self.threads, self.boosting, self.dask)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        # Leaves of at least a hundred rows learn nothing from toy data, on purpose.
        tags.classifier_tags.poor_score = True
        return tags


def _shifted(outlook: Outlook) -> FloatArray:
    """Return BTYD's log-odds, shifted in each snapshot to its active rate."""
    odds = logit(outlook.active)
    for snapshot in np.unique(outlook.snapshot):
        rows = outlook.snapshot == snapshot
        odds[rows] += shift_to_mean(odds[rows], float(outlook.rate[rows].mean()))
    return odds


def _two_classes(labels: Any) -> Any:
    kind = type_of_target(labels, input_name="y", raise_unknown=True)
    if kind not in ("binary", "multiclass"):
        raise ValueError(f"Unknown label type: {kind}. Whether a customer churned has two classes.")
    classes = np.unique(labels)
    if len(classes) == 1:
        raise ValueError(f"Classifier can't train when only one class is present, found {classes[0]!r} alone.")
    if len(classes) > 2:
        raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
    return classes
