"""Clients of AWS's services. Functions that need none import nothing of this package."""
