"""Draw the app's icon: an open hand in motion. ``python ios_demo/draw_icon.py``"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

ICON = Path(__file__).parent / "App" / "Resources" / "Assets.xcassets" / "AppIcon.appiconset" / "icon.png"
SIZE = 1024


def draw() -> np.ndarray:
    """The picture, uint8 (1024, 1024, 3) in the order BGR."""
    picture = np.full((SIZE, SIZE, 3), (92, 60, 22), np.uint8)
    for step, colour in ((-150, (150, 110, 60)), (0, (235, 230, 225))):
        palm = (540 + step, 660)
        for tip_x, tip_y in ((310, 500), (410, 260), (530, 210), (650, 260), (750, 370)):
            cv2.line(picture, palm, (tip_x + step, tip_y), colour, 84, cv2.LINE_AA)
        cv2.circle(picture, palm, 170, colour, -1, cv2.LINE_AA)
    return picture


if __name__ == "__main__":
    cv2.imwrite(str(ICON), draw())
