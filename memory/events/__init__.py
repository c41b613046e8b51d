"""What can be recorded: payload classes by family, the registry that knows them, the codec, and the envelope.

The families (`models`, `modifications`, `observations`, ...) register themselves; `registry` loads them when an event
type is first asked for.
"""

from memory.events.codec import JsonData, Number, build, encode
from memory.events.envelope import NewEvent, StoredEvent, model_of, model_stream
from memory.events.registry import Payload, decode, knows, payload_type, register

__all__ = [
    "JsonData",
    "NewEvent",
    "Number",
    "Payload",
    "StoredEvent",
    "build",
    "decode",
    "encode",
    "knows",
    "model_of",
    "model_stream",
    "payload_type",
    "register",
]
