"""Charts: numbers drawn as SVG, by small functions that escape whatever text they are given."""
