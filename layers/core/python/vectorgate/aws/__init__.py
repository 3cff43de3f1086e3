"""Clients of AWS's services, whose import no function pays for that needs none."""
