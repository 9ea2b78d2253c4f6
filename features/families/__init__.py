"""Feature families, one a file: what is said of a customer at an as-of date."""
