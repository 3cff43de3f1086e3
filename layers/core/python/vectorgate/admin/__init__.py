"""What only the holder of the master key may do: make keys, set budgets, and read what was spent."""
