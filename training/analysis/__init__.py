"""Commands that look into trained networks and their scores.

``attention`` and ``saliency`` look at networks, ``flow`` computes optical flow before training, ``score_files`` keeps
the logits of a split, and ``fuse`` adds several of them.
"""
