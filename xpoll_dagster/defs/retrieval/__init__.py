"""The retrieval-RL dataset as assets."""
