"""The constants of a matte's confidence, written by `tests/bench/triage.py --write`, not by hand.

For each measure of `triage.measures`: its mean and spread over the evaluation pictures, and its weight.
"""

CONSTANT = 0.1171
MEASURES: dict[str, tuple[float, float, float]] = {
    "inside": (0.8923, 0.1312, 0.6165),
    "unsure": (0.6034, 0.6032, -0.9317),
    "share": (-0.7269, 0.3894, 0.5868),
    "steepness": (0.2142, 0.0812, 0.9165),
    "contrast": (0.3136, 0.1027, -0.1905),
    "drawn": (0.9574, 0.7320, -0.0951),
    "border": (0.0473, 0.0981, 0.0202),
    "scattered": (0.0657, 0.1437, 0.0447),
    "ragged": (0.2692, 0.1836, -0.4368),
    "aside": (0.1479, 0.0875, -0.0174),
}
REVIEW_BELOW = 0.47  # the confidence below which a person should look
