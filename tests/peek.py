"""Prints the last message of a subject in a stream, MessagePack shown as JSON: peek.py PORT STREAM SUBJECT."""
import json
import pathlib
import sys
import types

import msgpack

sys.path.insert(0, str(pathlib.Path(__file__).parent / "flow"))
from rig import NatsClient  # noqa: E402

port, stream, subject = sys.argv[1:]
client = NatsClient(types.SimpleNamespace(port=int(port)))
data = client.last(stream, subject)
if data is None:
    sys.exit(f"nothing on {subject} in {stream}")
print(f"stream {stream}, subject {subject}, {len(data)} bytes of MessagePack:")
print(json.dumps(msgpack.unpackb(data)["body"], indent=2))
