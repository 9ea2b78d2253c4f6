"""How scores come about: two passes, and what is worked out on the way."""
