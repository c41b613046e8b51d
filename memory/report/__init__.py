"""The report: one self-contained HTML file of what was done to a model and what followed from it."""
