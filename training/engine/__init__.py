"""The training loop and what it needs.

Read ``recipe`` (what defines a run), ``batches``, ``optimizer``, ``loop``, then ``checkpoint`` (what a run leaves),
``metrics``, ``distributed`` (several processes) and ``provenance`` (what a result names about the code that made it).
"""
