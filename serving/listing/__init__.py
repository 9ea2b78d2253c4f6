"""What makes a list: plays and their reasons, terms of contact, consent, caps, control groups, and what came of it."""
