"""Exported program -> .pte for ExecuTorch with XNNPACK.

Read ``lowering``, then ``passes``, ``views`` and ``border`` (what it rewrites) and ``inspect_pte`` (what it checks).
"""
