"""The supervised fine-tuning dataset: balance, splits, rows, card, probe prompts.

Texts come from `writing`, pairs from `linking`; nothing is linked here.
"""
