"""Programs for the repository's own upkeep: not part of the package, and never shipped."""
