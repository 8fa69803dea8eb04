"""The constants of a matte's confidence, written by `tests/bench/triage.py --write`, not by hand.

For each measure of `triage.measures`: its mean and spread over the evaluation pictures, and its weight.
"""

CONSTANT = 0.7463
MEASURES: dict[str, tuple[float, float, float]] = {
    "inside": (0.9093, 0.1442, 0.3775),
    "unsure": (0.4977, 0.5799, -1.2430),
    "share": (-0.7663, 0.4060, 0.4687),
    "steepness": (0.2433, 0.0721, 0.7393),
    "contrast": (0.3147, 0.1008, -0.2726),
    "drawn": (0.9744, 0.8380, -0.4886),
    "border": (0.0390, 0.0888, 0.1480),
    "scattered": (0.0645, 0.1512, -0.1823),
    "ragged": (0.2582, 0.1750, -0.1063),
    "aside": (0.1576, 0.1001, -0.3001),
}
REVIEW_BELOW = 0.50  # the confidence below which a person should look
