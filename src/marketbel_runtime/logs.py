"""How the processes of the runtime write their logs: one JSON object a line, on stderr."""

import logging
import sys

import structlog

from marketbel_runtime.settings import Settings

__all__ = ["configure_logging"]


def configure_logging(settings: Settings) -> None:
    """Send structlog's and the standard library's records to stderr in the chosen format."""
    level = logging.getLevelName(settings.log_level)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=renderer)
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # arq logs job arguments at INFO, and an address may carry a secret.
    logging.getLogger("arq").setLevel(logging.WARNING)
    # Of what these write, addresses and headers may carry a secret as well.
    for chatty in ("alembic", "google", "httpcore", "httpx", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
