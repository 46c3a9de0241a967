"""Reports of saved runs: tables, figures and a page."""
