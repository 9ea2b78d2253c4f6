"""The tables that publishing fills, and how rows get there."""
