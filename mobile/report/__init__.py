"""The README's tables and the page of results, made of result files: ``python -m mobile.report``."""
