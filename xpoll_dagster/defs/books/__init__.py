"""Per-book assets: file → pages → chunks → embeddings and concepts."""
