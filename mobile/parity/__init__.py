"""The parity ladder, one row per hop, so that a failure names its stage: ``python -m mobile.parity``."""
