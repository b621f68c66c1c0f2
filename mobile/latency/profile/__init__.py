"""Where the time of an artefact goes (``sth profile``).

Read ``command``, then ``profilers`` (what LiteRT and ExecuTorch say of each operator), ``network_operators`` (the layer
and the work of each), ``peak`` (the fastest product on this machine) and ``plot``.
"""
