"""The way out: one place that sends, one that holds credentials, one that decides what may be asked again."""
