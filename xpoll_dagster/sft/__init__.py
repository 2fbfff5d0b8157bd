"""The supervised fine-tuning dataset: rows, balance, splits, card, probe prompts.

Written by the lead: options, rows, balance, splits, assemble, card, saving, probes.
Texts come from `writing`, pairs from `linking`; nothing is written or linked here.
"""
