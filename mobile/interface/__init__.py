"""What an app must know of an artefact, and how a camera frame becomes the network's input.

Read ``contract`` first, then ``camera_frames`` and ``resize_rule``, the references of both apps.
"""
