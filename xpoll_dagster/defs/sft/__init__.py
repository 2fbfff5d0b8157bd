"""Text written from pairs, the supervised fine-tuning dataset and its probe prompts."""
