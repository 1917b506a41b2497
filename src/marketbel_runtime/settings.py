"""What an operator may choose: environment variables, read once, when first needed."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import quote

from pydantic import AliasChoices, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from marketbel_core.errors import DomainError
from marketbel_core.matching import Thresholds

__all__ = ["Settings", "SettingsError", "load_settings"]


class SettingsError(DomainError):
    """An environment variable is missing or wrong; the message names it and its cure."""

    code = "settings.invalid"


class Settings(BaseSettings):
    """The deployment's choices. Names are environment variables, case aside; `.env` is read.

    Nothing is required here: a command asks for what it uses through the `require_…` methods.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    database_url: Annotated[
        SecretStr | None,
        Field(
            description="PostgreSQL: `postgresql://user:password@host:5432/name`; also "
            "`postgres://`, `postgresql+asyncpg://`, and `?host=/folder` for a Unix socket"
        ),
    ] = None
    redis_url: Annotated[
        SecretStr | None,
        Field(
            description="Redis or Valkey: `redis://`, `rediss://` or `unix://`; wins over the "
            "three parts below"
        ),
    ] = None
    redis_host: Annotated[str, Field(description="Used with `REDIS_PASSWORD`")] = "redis"
    redis_port: Annotated[
        int, Field(ge=1, le=65_535, description="Used with `REDIS_PASSWORD`")
    ] = 6379
    redis_password: Annotated[
        SecretStr | None,
        Field(description="With it and without `REDIS_URL`, the address is built of the parts"),
    ] = None

    queue_name: Annotated[str, Field(description="The arq queue that is worked on")] = (
        "price-ingestion-queue"
    )
    max_workers: Annotated[
        int, Field(ge=1, le=1_000, description="arq jobs that one worker runs at once")
    ] = 5
    job_timeout: Annotated[
        int, Field(ge=1, le=86_400, description="The longest that one arq job may run, in seconds")
    ] = 300
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        Field(description="The least severe records that are written"),
    ] = "INFO"
    log_format: Annotated[
        Literal["json", "console"],
        Field(description="One JSON object a line, or lines for people; both on stderr"),
    ] = "json"

    uploads_dir: Annotated[
        Path,
        Field(
            description="The shared folder: files rest here, local sources are opened only "
            "here, and ml-analyze sees it under the same path"
        ),
    ] = Path("/shared/uploads")
    max_file_size_mb: Annotated[
        int, Field(ge=1, le=500, description="Larger files are refused, in mebibytes")
    ] = 50

    use_ml_processing: Annotated[
        bool,
        Field(description="Have files read by ml-analyze; if not, the worker reads them itself"),
    ] = True
    ml_analyze_url: Annotated[
        str, Field(description="Where ml-analyze, or its stand-in, answers")
    ] = "http://ml-analyze:8001"
    ml_poll_interval_seconds: Annotated[
        int, Field(ge=1, le=60, description="How often readings under way are asked about")
    ] = 5
    ml_stalled_minutes: Annotated[
        int,
        Field(
            ge=1,
            le=1_440,
            description="A reading at ml-analyze older than this fails as stalled in the "
            "first polling round that sees no new figures",
        ),
    ] = 30

    match_auto_threshold: Annotated[
        float,
        Field(ge=0, le=100, description="From this match score on an item is linked"),
    ] = 95.0
    match_potential_threshold: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            description="From this match score on a person is asked; not above the other one",
        ),
    ] = 70.0
    match_batch_size: Annotated[
        int, Field(ge=1, le=1_000, description="Items matched in one transaction")
    ] = 100
    match_max_candidates: Annotated[
        int, Field(ge=1, le=20, description="Candidates that are kept with an item")
    ] = 5
    match_review_expiration_days: Annotated[
        int, Field(ge=1, le=365, description="Days until a review task is dated to expire")
    ] = Field(
        default=30,
        validation_alias=AliasChoices("MATCH_REVIEW_EXPIRATION_DAYS", "REVIEW_EXPIRATION_DAYS"),
    )
    catalogue_currency: Annotated[
        str,
        Field(
            pattern=r"^[A-Z]{3}$",
            description="The only currency in which lowest prices are compared",
        ),
    ] = "BYN"

    @model_validator(mode="after")
    def _thresholds_in_order(self) -> Self:
        if self.match_potential_threshold > self.match_auto_threshold:
            raise ValueError("MATCH_POTENTIAL_THRESHOLD must not be above MATCH_AUTO_THRESHOLD")
        return self

    @property
    def thresholds(self) -> Thresholds:
        """The two cut-offs of matching."""
        return Thresholds(
            link_min=self.match_auto_threshold, review_min=self.match_potential_threshold
        )

    @property
    def file_size_bytes_max(self) -> int:
        """The largest file that is carried, in bytes."""
        return self.max_file_size_mb * 1024 * 1024

    @property
    def review_for(self) -> timedelta:
        """How long a review task waits for a person."""
        return timedelta(days=self.match_review_expiration_days)

    @property
    def analyzing_max(self) -> timedelta:
        """How long a reading may take."""
        return timedelta(minutes=self.ml_stalled_minutes)

    def require_database_url(self) -> str:
        """Return DATABASE_URL.

        Raises:
            SettingsError: it is not set.
        """
        if self.database_url is None or not self.database_url.get_secret_value():
            raise SettingsError(
                "DATABASE_URL is not set: give it as postgresql://user:password@host:5432/marketbel"
            )
        return self.database_url.get_secret_value()

    def require_redis_url(self) -> str:
        """Return REDIS_URL, or the address built of REDIS_HOST, REDIS_PORT and REDIS_PASSWORD.

        Raises:
            SettingsError: neither REDIS_URL nor REDIS_PASSWORD is set.
        """
        if self.redis_url is not None and self.redis_url.get_secret_value():
            return self.redis_url.get_secret_value()
        if self.redis_password is None:
            raise SettingsError(
                "neither REDIS_URL nor REDIS_PASSWORD is set: give REDIS_URL as "
                "redis://:password@host:6379/0"
            )
        password = quote(self.redis_password.get_secret_value(), safe="")
        return f"redis://:{password}@{self.redis_host}:{self.redis_port}/0"

    def require_uploads_dir(self) -> Path:
        """Return UPLOADS_DIR.

        Raises:
            SettingsError: it is no folder that can be written.
        """
        folder = self.uploads_dir
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise SettingsError(
                f"UPLOADS_DIR is {folder}, which is no folder that can be written: "
                "mount the volume shared with ml-analyze there, or name another folder"
            )
        return folder


def load_settings() -> Settings:
    """Return the settings of the environment.

    Raises:
        SettingsError: a variable has a value that it must not have.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']).upper() or 'settings'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError(f"the environment is not right: {faults}") from None
