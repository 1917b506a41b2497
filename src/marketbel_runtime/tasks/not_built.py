"""Tasks that the deployment calls and that are not built yet: each says so and does nothing."""

from typing import Final

from marketbel_runtime.tasks.running import Result, Task, TaskUnavailableError, as_task

__all__ = ["NOT_BUILT"]


def _not_built(name: str) -> Task:
    async def task(*_: object, **__: object) -> Result:
        raise TaskUnavailableError(name)

    task.__name__ = task.__qualname__ = name
    return as_task()(task)


NOT_BUILT: Final = tuple(_not_built(name) for name in ("enrich_item_task",))
"""Callable under every name that the deployment uses; none is scheduled."""
