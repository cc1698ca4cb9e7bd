"""What a person should look at first, and what becomes of the answers. Knows no network: arrays and tables enter."""
