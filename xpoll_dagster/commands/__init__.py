"""The command line's further commands, by subject; `xpoll_dagster.cli` puts them together."""
