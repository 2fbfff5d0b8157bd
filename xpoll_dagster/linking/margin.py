"""The ratio margin: how far a similarity stands out from what both sides are used to."""

from __future__ import annotations

import numpy as np


def ratio_margin(
    similarity: np.ndarray, left_level: np.ndarray, right_level: np.ndarray, floor: float
) -> np.ndarray:
    """Similarity divided by the mean of the two sides' own levels.

    A passage that is near to everything (a hub) has a high level, so its matches count
    less. Artetxe and Schwenk, "Margin-based parallel corpus mining with multilingual
    sentence embeddings", arXiv 1811.01136, with a floor under the denominator, since a
    level near zero would make any ratio large.

    Args:
        similarity: Cosine of each match.
        left_level: Mean similarity of the match's left side to its nearest neighbours on
            the right.
        right_level: The same for the right side.
        floor: Smallest denominator, above 0.

    Returns:
        One ratio per match; 1.0 is what both sides see in their nearest neighbours.
    """
    return similarity / np.maximum((left_level + right_level) / 2.0, floor)
