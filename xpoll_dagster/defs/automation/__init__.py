"""Jobs: which assets run together."""
