"""What an operation costs: effective-dated, sourced prices, and the book that finds the one in force."""
