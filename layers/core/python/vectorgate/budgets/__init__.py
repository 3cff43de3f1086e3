"""Budgets of keys, teams and end users, by period. Admission is atomic; every reservation is released at the end."""
