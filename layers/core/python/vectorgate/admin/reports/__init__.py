"""Reports, from rollups alone: their cost grows with the days, keys and stores that they cover, not with the calls."""
