"""The shared volume: a folder that this package and its neighbours see alike."""

from marketbel_adapters.disk.files import DiskFileStore

__all__ = ["DiskFileStore"]
