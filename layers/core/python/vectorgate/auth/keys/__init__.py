"""Virtual keys: what a developer presents, and whom it stands for."""
