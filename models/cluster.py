"""Clusters: trees that grow on the workers of a Dask cluster, by LightGBM's own distributed training.

Rows are cut into as many parts as there are workers, each finds the histograms of its own, and all grow the same trees
from their sum. The trees differ slightly from those of one process: every worker draws the rows of its part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from regulars.errors import RegularsError

SECONDS = 30
"""How long to wait for a scheduler and its first worker."""
LOCAL = ("num_threads",)
"""Parameters that each worker decides for itself."""
_turn = Lock()


@dataclass(frozen=True)
class Rows:
    """What trees learn from.

    Attributes
    ----------
    X
        Matrix (n, k) of float64; missing values are NaN.
    y
        Target (n,).
    offset
        What is known beforehand (n,), on the link scale.
    weight
        What each row counts (n,); None: 1.
    """

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    offset: NDArray[np.float64]
    weight: NDArray[np.float64] | None = None


def grow(
    address: str, parameters: Mapping[str, Any], trees: int, rows: Rows, categorical: Sequence[int] = ()
) -> lgb.Booster:
    """Grow trees on a Dask cluster.

    Whoever reaches a scheduler runs code on its workers, and they answer in pickles: name one that only you reach.

    Parameters
    ----------
    address
        Of the scheduler, such as ``tcp://host:8786``. How to prove who one is, is left to Dask's own settings.
    parameters
        Those of LightGBM.
    trees
        Number of trees.
    rows
        Sent to the workers, each its part.
    categorical
        Positions of the columns that hold category codes.

    Returns
    -------
    lightgbm.Booster
        An ordinary one.

    Raises
    ------
    RegularsError
        Dask is not installed, or no scheduler with a worker answers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise RegularsError(
            f"training on {address} needs Dask, which is not installed: pip install 'regulars[dask]'"
        ) from error
    # Boosters that grow side by side in threads take turns: their workers would wait for each other's sums for ever.
    with _turn:
        try:
            client = Client(address, timeout=SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise RegularsError(f"no Dask scheduler answers at {address}: {error}") from error
        with client, client.as_current():
            try:
                client.wait_for_workers(1, timeout=SECONDS)
            except TimeoutError as error:
                raise RegularsError(f"the Dask scheduler at {address} has no worker: start one") from error
            return _grown(client, parameters, trees, rows, categorical)


def _grown(
    client: Any, parameters: Mapping[str, Any], trees: int, rows: Rows, categorical: Sequence[int]
) -> lgb.Booster:
    workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
    parts = [part for part in np.array_split(np.arange(len(rows.y)), len(workers)) if len(part)]

    def sent(values: NDArray[np.float64] | None) -> Any:
        if values is None:
            return None
        return _sent(client, [values[part[0] : part[-1] + 1] for part in parts], workers)

    model = _Trees(
        client=client, n_estimators=trees, **{name: value for name, value in parameters.items() if name not in LOCAL}
    )
    model.fit(
        sent(rows.X),
        sent(rows.y),
        sample_weight=sent(rows.weight),
        init_score=sent(rows.offset),
        categorical_feature=list(categorical) or "auto",
    )
    return model.booster_


class _Trees(lgb.DaskLGBMRegressor):  # type: ignore[misc]
    """LightGBM's own, which warns at each fit of an ``n_jobs`` that it sets itself and then ignores."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {name: value for name, value in super().get_params(deep).items() if name != "n_jobs"}


def _sent(client: Any, pieces: Sequence[NDArray[np.float64]], workers: Sequence[str]) -> Any:
    """Send each worker its piece, and return the pieces as one Dask array."""
    from dask import array, delayed

    futures = [
        client.scatter(piece, workers=[worker], hash=False) for piece, worker in zip(pieces, workers, strict=False)
    ]
    return array.concatenate(
        [
            array.from_delayed(delayed(future), shape=piece.shape, dtype=piece.dtype)
            for future, piece in zip(futures, pieces, strict=True)
        ]
    )
