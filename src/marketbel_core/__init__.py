"""Marketbel's core: how price lists become a catalogue. It touches nothing outside itself."""

__version__ = "0.1.0"

__all__ = ["__version__"]
