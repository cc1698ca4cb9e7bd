"""The study that raravis grew from: what it ran, how long that takes here, and its figures beside ours."""
