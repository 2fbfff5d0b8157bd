"""The report as an asset."""
