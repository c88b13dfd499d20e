"""How a label is proportioned, whether it is drawn as pixels or as outlines: all in ink heights of the label."""

PAD_X, PAD_Y, MARGIN, RADIUS = 0.72, 0.52, 0.6, 0.42
"""From the letters to the plate's sides, to its upper and lower edge; from the plate to the picture's edge; of its corners."""
LEADING = 0.55
"""Between lines and columns."""
MAX_WORDING = 120
"""Characters of a wording that is drawn."""
