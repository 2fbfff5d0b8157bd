"""Library-wide links between chunks of different domains, and the selected pairs."""
