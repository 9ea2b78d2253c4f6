"""Exit codes of the command line."""

DONE = 0
DEFECT = 1
WRONG_INPUT = 2
ANSWER_NO = 3
INTERRUPTED = 130
