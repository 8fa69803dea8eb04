"""What `evaluate.py` is made of: models, sets, scores and the report. For development only, never shipped."""
