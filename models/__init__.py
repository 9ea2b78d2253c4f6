"""Models: the estimators, the bundle that scores need, and the registry it lives in."""
