"""Latency of artefacts on the host and on devices, with what each is compared with: ``sth latency``."""
