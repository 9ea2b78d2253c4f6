"""Training: the training table, backtests beside baselines, metrics, MLflow runs."""
