"""What enters: sources, the catalogue, the audit, the split, the pixels. Knows nothing of models."""
