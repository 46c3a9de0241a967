"""What the command line, the environment and pyproject.toml ask of the suite."""
