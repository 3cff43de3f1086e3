"""What a key, a team or an end user may spend, by the period; admission is atomic, and nothing stays reserved."""
