"""Gates without a cluster: evaluated from files by the same code, for CI, and logs that are checked (row R-163)."""
