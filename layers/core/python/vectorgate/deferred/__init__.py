"""What is built when it is first used, so that a cold start does not wait for it."""
