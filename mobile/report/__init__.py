"""The README's tables and the page of results, made of result files: ``sth report``."""
