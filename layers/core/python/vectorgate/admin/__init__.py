"""What only the holder of the master key may do: make keys, and read what everybody spent."""
