"""Effective-dated prices with their sources, and the price book that finds the one in force."""
