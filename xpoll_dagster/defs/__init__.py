"""All that knows Dagster, and thin: assets call the capability packages, nothing more."""
