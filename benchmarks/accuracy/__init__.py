"""How well every rung of a ladder of models predicts, side by side on the same customers of open and made-up logs."""
