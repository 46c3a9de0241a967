"""The paper's tables, of saved runs and as printed, for Markdown, spreadsheets and LaTeX."""

from redl.results.report.tables.files import write_tables
from redl.results.report.tables.table import PaperTable, printed_tables, tables_of

__all__ = ["PaperTable", "printed_tables", "tables_of", "write_tables"]
