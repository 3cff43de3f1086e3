"""Who is calling: the virtual key that a request presents, and the principal that it identifies."""
