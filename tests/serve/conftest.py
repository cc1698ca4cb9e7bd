"""Files of this folder may import each other: the predictor of test_batch is used by others."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
