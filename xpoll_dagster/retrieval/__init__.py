"""The retrieval-RL dataset: an index with paraphrases as noise, questions, scores, rewards.

What trains on the dataset (search, rewards, the environment) needs no Dagster.
"""
