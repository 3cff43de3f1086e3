"""The release number, alone in its file so that a build can read it without importing anything else."""

VERSION = "0.1.0"
