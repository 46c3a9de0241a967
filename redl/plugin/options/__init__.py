"""Options of the suite, from the command line, the environment and pyproject.toml."""
