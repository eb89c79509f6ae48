"""Counts that all processes share through Redis, and have without it each for itself."""
