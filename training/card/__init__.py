"""The model card: what a training learnt from, how it did, where it fails, and what must not be done with it."""
