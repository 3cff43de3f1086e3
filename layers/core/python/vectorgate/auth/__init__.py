"""Authentication: virtual keys, and the principals that they identify."""
