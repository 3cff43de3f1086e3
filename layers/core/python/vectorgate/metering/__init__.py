"""Stored bytes: sampled, integrated to byte-seconds, and charged once, after the end of each UTC day."""
