"""The constants of a matte's confidence, written by `tests/bench/triage.py --write`, not by hand.

For each measure of `triage.measures`: its mean and spread over the evaluation pictures, and its weight.
"""

CONSTANT = 0.6033
MEASURES: dict[str, tuple[float, float, float]] = {
    "inside": (0.9398, 0.1587, 0.3221),
    "unsure": (0.2911, 0.5999, -0.7322),
    "share": (-0.8091, 0.5414, 0.9012),
    "steepness": (0.2958, 0.0744, 1.1545),
    "contrast": (0.2902, 0.0962, -0.2465),
    "drawn": (0.9354, 0.9184, -0.3251),
    "border": (0.0380, 0.0884, -0.1198),
    "scattered": (0.0608, 0.1366, -0.0674),
    "ragged": (0.2542, 0.1748, -0.1815),
    "aside": (0.1659, 0.1055, -0.3128),
}
REVIEW_BELOW = 0.61  # the confidence below which a person should look
