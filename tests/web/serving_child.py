"""A server of its own process, for tests that end it: `serving_child.py FOLDER IDLE_SECONDS`; prints its port."""

import importlib.util
import sys
from pathlib import Path

from raravis.serve.corrections import Corrections
from raravis.web import app, server
from raravis.web.gate import LOOPBACK

where = importlib.util.spec_from_file_location("conftest_of_web", Path(__file__).with_name("conftest.py"))
tools = importlib.util.module_from_spec(where)
sys.modules[where.name] = tools
where.loader.exec_module(tools)

listening, _ = server.bound("127.0.0.1", 0, token=None)
with Corrections.open(Path(sys.argv[1]) / "corrections.sqlite") as kept:
    made = app.create(tools.Fake(), corrections=kept, hosts=LOOPBACK)
    port = listening.getsockname()[1]
    server.Running(made, listening, idle_seconds=float(sys.argv[2]), ready=lambda: print(port, flush=True)).run()
print("ended", flush=True)
