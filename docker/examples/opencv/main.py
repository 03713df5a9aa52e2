"""Find the edges of a drawn rectangle."""

import cv2
import numpy as np

picture = np.zeros((64, 64), np.uint8)
cv2.rectangle(picture, (16, 16), (48, 48), 255, -1)
edges = cv2.Canny(picture, 100, 200)
print(f"edge pixels: {np.count_nonzero(edges)}")
