"""The constants of a matte's confidence, written by `tests/bench/triage.py --write`, not by hand.

For each measure of `triage.measures`: its mean and spread over the evaluation pictures, and its weight.
"""

CONSTANT = 0.6710
MEASURES: dict[str, tuple[float, float, float]] = {
    "inside": (0.9455, 0.1400, 0.4765),
    "unsure": (0.2663, 0.5267, -0.6910),
    "share": (-0.8004, 0.5384, 0.7502),
    "steepness": (0.2985, 0.0709, 1.2385),
    "contrast": (0.2933, 0.0933, -0.2161),
    "drawn": (0.9670, 0.8434, -0.3152),
    "border": (0.0374, 0.0856, 0.1614),
    "scattered": (0.0659, 0.1418, -0.1639),
    "ragged": (0.2647, 0.1788, -0.2106),
    "aside": (0.1650, 0.1025, -0.1602),
}
REVIEW_BELOW = 0.68  # the confidence below which a person should look
