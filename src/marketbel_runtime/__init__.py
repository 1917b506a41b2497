"""What runs Marketbel: settings, wiring, schedule, worker and command line.

`from marketbel_runtime import settings` gives the deployment's choices, each as an attribute. The
environment is read when the first one is asked for, and once.
"""

__all__ = ["settings"]  # a module beside this one: it needs more than the base install
