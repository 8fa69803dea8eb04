"""The constants of a matte's confidence, written by `tests/bench/triage.py --write`, not by hand.

For each measure of `triage.measures`: its mean and spread over the evaluation pictures, and its weight.
"""

CONSTANT = 0.1060
MEASURES: dict[str, tuple[float, float, float]] = {
    "inside": (0.8908, 0.1307, 0.6105),
    "unsure": (0.6118, 0.6013, -0.9345),
    "share": (-0.7269, 0.3894, 0.5796),
    "steepness": (0.2233, 0.0795, 0.9324),
    "contrast": (0.3181, 0.1047, -0.1922),
    "drawn": (0.9420, 0.7267, -0.0871),
    "border": (0.0482, 0.0995, 0.0206),
    "scattered": (0.0658, 0.1435, 0.0373),
    "ragged": (0.2676, 0.1813, -0.4133),
    "aside": (0.1479, 0.0875, -0.0208),
}
REVIEW_BELOW = 0.46  # the confidence below which a person should look
