"""`marketbel demo`: the whole road on real services, with the project's own price lists."""

from marketbel_runtime.demo.run import DemoResult, run_demo

__all__ = ["DemoResult", "run_demo"]
