"""What value is worked out from: margins, acquisition costs, payback, concentration, the textbook formulas."""
