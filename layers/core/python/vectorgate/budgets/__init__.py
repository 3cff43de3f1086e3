"""Budgets of keys, teams, end users and users, by period. Every reservation is released at the end."""
