"""The live window of OpenCV.

Axes: H row, W column, 3 colours in the order RGB.
"""

from __future__ import annotations

import os
import sys

import cv2
import numpy as np

from training.common.errors import UserError

TITLE = "STH live"
_QUIT = (ord("q"), 27)  # and Escape


class Window:
    """Shows frames until somebody closes it, or presses q or Escape.

    Raises:
        UserError: there is no screen.
    """

    def __init__(self) -> None:
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise UserError("there is no screen to open a window on; run with --headless")
        try:
            cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        except cv2.error as error:
            raise UserError(
                "this OpenCV cannot open a window; install opencv-python, or run with --headless"
            ) from error
        self._sized = False

    def show(self, image_HWC: np.ndarray, time_ms: int) -> bool:
        if not self._sized:
            cv2.resizeWindow(TITLE, image_HWC.shape[1], image_HWC.shape[0])
            self._sized = True
        cv2.imshow(TITLE, cv2.cvtColor(image_HWC, cv2.COLOR_RGB2BGR))
        return self.alive()

    def alive(self) -> bool:
        """Let the window react; False once nobody wants it."""
        return cv2.waitKey(1) & 0xFF not in _QUIT and cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) >= 1

    def close(self) -> None:
        """Take it away."""
        cv2.destroyAllWindows()
