"""A file, or a folder, to clean pages, chunks, vectors and concepts."""
