"""The search for settings on past windows, in order of time, resumable."""
