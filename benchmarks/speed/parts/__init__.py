"""What runs in a process of its own, here or in the rivals' Python: one piece of work each."""
