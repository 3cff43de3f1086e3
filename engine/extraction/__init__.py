"""Files to text: plain text here, what has a grammar in a child process."""
