"""The dashboard: static files, and what serves them."""
