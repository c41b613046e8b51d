"""The version of Palimpsest: a constant, so that nothing needs installed metadata."""

__version__ = "0.1.0"
