"""Serving: batch scoring, the store, segments, reasons, lists."""
