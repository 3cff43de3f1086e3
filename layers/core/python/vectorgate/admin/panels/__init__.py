"""The figures of the dashboard's charts, by UTC day: one request a chart, from sums, at most a year."""
