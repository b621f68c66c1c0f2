"""The paper's tables that need no data set: sizes (Tables 6, 7, 8) and speed (Table 9) of its networks."""

NOT_RUN = "not run"  # in place of what a run would have shown
