"""Parts of a log's customers: as many as memory allows at once to be scored, or at all to be learnt from."""

from collections.abc import Iterator
from dataclasses import replace

from features.ledger import Ledger

SAMPLE = "sample"
"""Name of the table of a sample's days."""
BITS = 2**31 - 1
"""Of a hash: as many as make no negative number of it."""


def learnt_from(ledger: Ledger) -> Ledger:
    """Return the ledger of the customers that a model learns from: all of them, where the memory is enough.

    Otherwise those whose id has a low MD5: the same ones in every run, on every engine and in every order of rows. The
    share is that of the customers whom the ledger's memory allows; quality and fingerprint stay those of the whole log.
    """
    most = ledger.memory.learnt_customers
    if ledger.quality.customers <= most:
        return ledger
    share = most / ledger.quality.customers
    # The first 32 bits of a digest, as hexadecimal text, sort like numbers.
    drawn = ledger.days.customer_id.hexdigest("md5").substr(0, 8) < f"{int(share * 2**32):08x}"
    days = ledger.days.filter(drawn)
    days = ledger.connection.create_table(SAMPLE, days, overwrite=True)
    return replace(ledger, days=days, table=SAMPLE, share=share)


def parts(ledger: Ledger) -> Iterator[Ledger]:
    """Yield ledgers of some customers each, in which every customer is once: as many at a time as memory allows."""
    if fits(ledger):
        yield ledger
        return
    count = _parts(ledger)
    # Which customers come together changes no result, so the engine's own hash will do.
    part = (ledger.days.customer_id.hash() & BITS) % count
    for number in range(count):
        yield replace(ledger, days=ledger.days.filter(part == number))


def fits(ledger: Ledger) -> bool:
    """Return whether the features of all customers may be worked out at once, and something else beside them."""
    return _parts(ledger) == 1


def _parts(ledger: Ledger) -> int:
    return ledger.memory.parts(ledger.quality.customers, ledger.quality.used_rows)
