"""Speed and accuracy, measured by hand and by name."""
