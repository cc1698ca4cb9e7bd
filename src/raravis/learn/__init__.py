"""Training: batches, callbacks, class balance."""
