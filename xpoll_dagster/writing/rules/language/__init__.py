"""Just enough English grammar for rules: words, their kinds, inflection, simple clauses."""
