"""The record of what administrators changed."""
