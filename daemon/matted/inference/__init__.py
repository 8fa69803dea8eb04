"""The catalogue of models, their weights, providers, warm sessions and predictors. Knows no HTTP."""
