"""Hop 6 of the parity ladder: int8 artefacts on emulated arm64 CPUs against this machine.

``command`` is ``sth arm64``, ``compare`` runs one artefact on both, ``rows`` makes rows of the ladder from its result.
"""
