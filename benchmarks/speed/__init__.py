"""Speed and memory, each table measured in one run, beside rivals and beside the least that the work must cost."""
