"""Made-up logs of several kinds of business, small and from a seed; none is drawn from a model on the ladder."""
