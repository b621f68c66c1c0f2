"""The parity ladder, one row per hop, so that a failure names its stage: ``sth parity``."""
