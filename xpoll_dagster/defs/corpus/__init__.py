"""The training corpus as assets."""
