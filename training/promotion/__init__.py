"""Promotion: challenger and champion on the same newest windows, and the log of what was decided."""
