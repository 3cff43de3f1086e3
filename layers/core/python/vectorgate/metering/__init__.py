"""Stored bytes: sampled, integrated over time in byte-seconds, and turned into money once, at the end of each day."""
