"""What is kept of a log from one night to the next, so that only new and changed files are read."""
