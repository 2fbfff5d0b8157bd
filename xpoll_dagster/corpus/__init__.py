"""The training corpus: instruction datasets normalised, merged, accounted for and mixed.

Books and links are unknown here; the project's own rows come in as a source like any other.
"""
