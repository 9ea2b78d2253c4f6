"""A whole scoring, from the log to the store: `python -m benchmarks.speed.parts.scoring LOG AS_OF HORIZON REASONS`.

In a folder with a trained champion; `REASONS` is `yes` or `no`. Start-up and imports are not counted, nor are those of
MLflow, which comes with the first model that is loaded.
"""

import sys
from typing import Any

import pyarrow as pa

import serving.scoring.batch
from benchmarks.speed.parts.clock import working
from models.registry import CHAMPION, load_registered
from regulars.verbs import score


def none(bundle: Any, customers: Any) -> pa.ListArray:
    """Give nobody a reason."""
    return pa.array([[]] * len(customers), pa.list_(pa.string()))


def main() -> None:
    """Score; without reasons by taking away what works them out."""
    log, as_of, horizon, reasons = sys.argv[1:]
    if reasons == "no":
        serving.scoring.batch.reasons = none
    load_registered(int(horizon), CHAMPION)
    with working() as facts:
        facts["rows"] = score(log, "store", as_of, int(horizon)).customers


if __name__ == "__main__":
    main()
