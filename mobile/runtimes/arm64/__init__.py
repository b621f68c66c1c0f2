"""arm64 without an arm64 machine: int8 artefacts on emulated CPUs, for parity (hop 6) and never for time.

``sth arm64-setup`` makes the emulated system, ``sth arm64 ARTEFACT ...`` compares.
"""
