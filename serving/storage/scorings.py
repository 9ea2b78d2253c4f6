"""Records of scorings: one JSON file an as-of date and horizon, which counts once the scores it tells of are there.

A scoring writes its record first, beside the one of the scores that it is about to replace, then the scores, then puts
the new record in the old one's place. Whoever reads takes the record whose `scored_at` is that of the scores: so a job
that is killed at any moment leaves scores with their own record.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from features.whole_file import whole_file
from regulars.errors import StoreError

SCORINGS = "scorings"
NEXT = ".next"


@dataclass(frozen=True)
class Scorings:
    """The folder of the records.

    Attributes
    ----------
    folder
        Where they are; made with the first of them.
    """

    folder: Path

    def prepare(self, record: Mapping[str, Any]) -> None:
        """Write the record of scores that are about to be committed."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with whole_file(self._path(record["as_of"], record["horizon_days"], NEXT)) as part:
                part.write_text(json.dumps(record, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
        except OSError as error:
            raise StoreError(f"{self.folder}: the record of a scoring cannot be written ({error})") from error

    def settle(self, as_of: date, horizon_days: int) -> None:
        """Put the prepared record in the old one's place: its scores are there."""
        self._path(as_of, horizon_days, NEXT).replace(self._path(as_of, horizon_days))

    def of(self, as_of: date, horizon_days: int, scored_at: datetime) -> dict[str, Any] | None:
        """Return the record of the scores of a date and horizon that were made at a moment; None where none is."""
        for suffix in (NEXT, ""):
            record = _read(self._path(as_of, horizon_days, suffix))
            if record is not None and datetime.fromisoformat(record["scored_at"]) == scored_at:
                return record
        return None

    def _path(self, as_of: date | str, horizon_days: int, suffix: str = "") -> Path:
        return self.folder / f"{as_of}-{horizon_days}{suffix}.json"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path}: this record of a scoring cannot be read ({error}); score again to replace it"
        ) from error
    return record
