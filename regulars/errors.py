"""Everything Regulars raises on purpose: one tree, so that a caller can catch one class.

`RegularsError` is what a person can mend: the command line prints its message and exits with 2.
Any other exception is a defect of ours.
"""


class RegularsError(Exception):
    """Wrong usage or input; the message says what is wrong, where, what was found instead, and what to do."""


class LogError(RegularsError):
    """The transaction log, or the customers table beside it, breaks its contract."""


class ExpressionError(RegularsError):
    """An expression over columns (a mapping or a filter) cannot be read or asks for what it may not."""


class HistoryError(RegularsError):
    """The log holds too little history, or none, for the as-of date and horizon that were asked for."""


class BundleError(RegularsError):
    """A bundle and the data or the registry it meets do not belong together."""


class StoreError(RegularsError):
    """The store is missing, busy, or holds nothing that answers the question."""


class PublishError(RegularsError):
    """The database cannot be reached, refuses, or holds tables of others where ours should be."""
