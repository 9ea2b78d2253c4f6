"""The web: pages and API of a store."""
