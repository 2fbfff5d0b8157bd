"""Which passages of different domains belong together: links, scores and chosen pairs."""
