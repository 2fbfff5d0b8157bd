"""Paraphrases by rules: selected, reordered and reworded sentences, and the book's definitions."""
