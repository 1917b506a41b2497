"""What an operator may choose: environment variables, read once, when first needed.

Longer than other modules: one table of every choice is easier to read than four.
`marketbel_runtime.settings` has each choice as an attribute, too: the first one that is asked for
reads the environment, and importing reads nothing.
"""

import functools
import os
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from marketbel_adapters.sources.policy import (
    FetchPolicy,
    parse_hosts,
    parse_networks,
    parse_ports,
)
from marketbel_core.catalog import UNKNOWN_CURRENCY, ExchangeRates
from marketbel_core.errors import DomainError
from marketbel_core.intake.plan import ImportRules, MissingPolicy, SafetyLimits
from marketbel_core.matching import Thresholds

__all__ = ["SettingFault", "Settings", "SettingsError", "load_settings", "read_settings"]

_SYNC_LEASE_MAX: Final = timedelta(seconds=10)
_NO_SPACE: Final = r"^\S+$"
_HTTP: Final = r"^https?://[^\s/]\S*$"
_MASTER_SHEET: Final = r"^(?:https?://[^\s/]\S*|[^:]+\.(?:csv|xlsx?|ods))$"
_DATABASE_SCHEMES: Final = ("postgresql://", "postgres://", "postgresql+asyncpg://")
_REDIS_SCHEMES: Final = ("redis://", "rediss://", "unix://")
_TAKEN_KEYS: Final = frozenset(
    {"job", "jobs:active", "parse-tasks", "parse:triggers", "retry:triggers", "sync:lock"}
    | {"sync:last_run", "sync:status", "sync:trigger"}
)
"""Redis keys that hold something else: a queue under such a name stops both."""


class SettingsError(DomainError):
    """An environment variable is missing or wrong; the message names it and its cure."""

    code = "settings.invalid"


class Settings(BaseSettings):
    """The deployment's choices. Names are environment variables, case aside; `.env` is read.

    Nothing is required here: a command asks for what it uses through the `require_…` methods.
    A variable that is empty counts as not set.
    """

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8-sig",  # some editors begin a file with an invisible mark
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_by_alias=True,
        validate_by_name=True,
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
    redis_host: Annotated[
        str, Field(pattern=r"^[^\s/@]+$", description="Used with `REDIS_PASSWORD`")
    ] = "redis"
    redis_port: Annotated[
        int, Field(ge=1, le=65_535, description="Used with `REDIS_PASSWORD`")
    ] = 6379
    redis_password: Annotated[
        SecretStr | None,
        Field(description="With it and without `REDIS_URL`, the address is built of the parts"),
    ] = None

    queue_name: Annotated[
        str, Field(pattern=_NO_SPACE, description="The arq queue that is worked on")
    ] = "price-ingestion-queue"
    dlq_name: Annotated[
        str,
        Field(
            pattern=_NO_SPACE,
            description="Dead letters are listed in the Redis set `arq:dlq:` and this name",
        ),
    ] = "price-ingestion-dlq"
    max_workers: Annotated[
        int,
        Field(
            ge=1,
            le=1_000,
            description="Heavy steps (download, read, match) that one worker runs at once, beside "
            "up to ten light ones",
        ),
    ] = 5
    job_timeout: Annotated[
        int, Field(ge=1, le=86_400, description="The longest that one arq job may run, in seconds")
    ] = 300
    job_lease_seconds: Annotated[
        int,
        Field(
            ge=2,
            le=300,
            description="How long a job stays with a worker that no longer says that it is alive",
        ),
    ] = 30
    rescue_interval_seconds: Annotated[
        int,
        Field(
            ge=1,
            le=60,
            description="How often jobs are looked for whose worker vanished or whose step got "
            "lost",
        ),
    ] = 15
    shutdown_grace_seconds: Annotated[
        int,
        Field(
            ge=5,
            le=3_600,
            description="From SIGTERM to the worker's end, at the most: running steps may end "
            "until 5 s before, and are handed to the next worker then; less than what the "
            "supervisor waits before it kills",
        ),
    ] = 20
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        BeforeValidator(str.upper),
        Field(description="The least severe records that are written"),
    ] = "INFO"
    log_format: Annotated[
        Literal["json", "console"],
        BeforeValidator(str.lower),
        Field(description="One JSON object a line, or lines for people; both on stderr"),
    ] = "json"
    environment: Annotated[
        str,
        Field(
            pattern=_NO_SPACE,
            description="What this deployment calls itself; nothing depends on it",
        ),
    ] = "development"

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
    xlsx_macros: Annotated[
        Literal["refuse", "flag"],
        BeforeValidator(str.lower),
        Field(
            description="What becomes of workbooks with macros, links to other workbooks or calls "
            "of other programs: refused, or carried with a mark in the sidecar"
        ),
    ] = "refuse"
    file_cleanup_ttl_hours: Annotated[
        int,
        Field(
            ge=1,
            le=168,
            description="How long carried and uploaded files are kept, counted from when they "
            "came; those that a job on its way needs stay longer. The worker cleans up every "
            "6 hours",
        ),
    ] = 24

    fetch_allow_networks: Annotated[
        str,
        Field(
            description="Networks that are fetched from although they are not public: CIDRs, "
            "comma separated. Metadata addresses of clouds stay closed whatever is named"
        ),
    ] = ""
    fetch_allowed_ports: Annotated[
        str,
        Field(description="Ports that are fetched from, comma separated; `8000-8999` is a range"),
    ] = "80,443,8080,8443"
    fetch_allowed_hosts: Annotated[
        str,
        Field(
            description="The only hosts that are fetched from, redirects included, comma "
            "separated; `*.example.com` means all below a domain. Empty: every public host"
        ),
    ] = ""

    fetch_per_host_max: Annotated[
        int,
        Field(
            ge=0,
            le=1_000,
            description="Lists that one worker fetches from one host at once; jobs beyond that "
            "wait, and those of other hosts go on. 0: one less than `MAX_WORKERS`, at least 1",
        ),
    ] = 0

    google_credentials_path: Annotated[
        Path,
        Field(
            description="The key of a Google service account, a JSON file: sheets that are shared "
            "with the account are read; without it those that anyone with the link can view",
            json_schema_extra={"format": "file-path"},
        ),
    ] = Path("/app/credentials/google-credentials.json")
    master_sheet_url: Annotated[
        str | None,
        Field(
            pattern=_MASTER_SHEET,
            description="The sheet that lists the suppliers, unless Redis holds "
            "`settings:master_sheet_url`: a Google Sheet's address, that of an xlsx or csv file, "
            "or the path of such a file below `UPLOADS_DIR`",
        ),
    ] = None
    sync_interval_hours: Annotated[
        int,
        Field(
            ge=1,
            le=168,
            description="How long after a successful sync the next one is due: suppliers are "
            "brought in line with the master sheet, and each active one gets a job",
        ),
    ] = 8
    sync_missing_percent_max: Annotated[
        int,
        Field(
            ge=0,
            le=100,
            description="A master sheet that lacks more than this percentage of the active "
            "suppliers is not applied, but waits for a person; one or two missing suppliers are "
            "never held back, unless the sheet names nobody",
        ),
    ] = 50

    use_ml_processing: Annotated[
        bool,
        Field(description="Have files read by ml-analyze; if not, the worker reads them itself"),
    ] = True
    ml_analyze_url: Annotated[
        str, Field(pattern=_HTTP, description="Where ml-analyze, or its stand-in, answers")
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

    import_rows_min_percent: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            description="A list with fewer rows, in percent of the supplier's last one, is held "
            "for a person; 0 never. Here and below, a key of the same name in lower case in the "
            "supplier's metadata wins",
        ),
    ] = 50.0
    import_known_min_percent: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            description="A list that names fewer known items, in percent of those of the "
            "supplier's last one, is held for a person: it is another supplier's, or its skus "
            "are new; 0 never",
        ),
    ] = 10.0
    import_price_move_max_percent: Annotated[
        float, Field(ge=0, description="A price that moves by more, up or down, is suspicious")
    ] = 50.0
    import_moved_rows_max_percent: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            description="A list with more suspicious prices, in percent of the items that were "
            "known, is held for a person; 100 never",
        ),
    ] = 20.0
    missing_items: Annotated[
        MissingPolicy,
        BeforeValidator(str.lower),
        Field(
            description="What becomes of items that a supplier's new list does not name: they are "
            "kept, marked `stale`, or made unavailable"
        ),
    ] = MissingPolicy.KEEP

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
    match_needs_category: Annotated[
        bool,
        Field(
            description="Whether an item whose category is not known waits for one in the review "
            "queue; otherwise it is matched against everything"
        ),
    ] = False
    catalogue_currency: Annotated[
        str,
        Field(
            pattern=r"^[A-Z]{3}$",
            description="The only currency in which lowest prices are compared",
        ),
    ] = "BYN"
    currency_rates: Annotated[
        str,
        Field(
            description="What one unit of another currency is worth in CATALOGUE_CURRENCY, as "
            "`USD=3.2,RUB=0.035`. Prices in a currency without a rate set no lowest price; they "
            "are counted in the result of the recalculation"
        ),
    ] = ""

    @field_validator("currency_rates")
    @classmethod
    def _of_rates(cls, rates: str, info: ValidationInfo) -> str:
        ExchangeRates.parse(rates, currency=info.data.get("catalogue_currency", UNKNOWN_CURRENCY))
        return rates

    @field_validator("match_potential_threshold")
    @classmethod
    def _not_above_the_other(cls, threshold: float, info: ValidationInfo) -> float:
        # Fields are checked in their order; a wrong one is missing here and told by itself.
        if threshold > info.data.get("match_auto_threshold", threshold):
            raise ValueError("MATCH_POTENTIAL_THRESHOLD must not be above MATCH_AUTO_THRESHOLD")
        return threshold

    @field_validator("queue_name")
    @classmethod
    def _no_key_of_others(cls, name: str) -> str:
        if name in _TAKEN_KEYS:
            raise ValueError("this Redis key holds something else: name the queue otherwise")
        return name

    @field_validator("fetch_allow_networks")
    @classmethod
    def _of_networks(cls, networks: str) -> str:
        parse_networks(networks)
        return networks

    @field_validator("fetch_allowed_ports")
    @classmethod
    def _of_ports(cls, ports: str) -> str:
        parse_ports(ports)
        return ports

    @field_validator("fetch_allowed_hosts")
    @classmethod
    def _of_hosts(cls, hosts: str) -> str:
        parse_hosts(hosts)
        return hosts

    @property
    def fetch_policy(self) -> FetchPolicy:
        """What may be fetched from."""
        return FetchPolicy.parse(
            networks=self.fetch_allow_networks,
            ports=self.fetch_allowed_ports,
            hosts=self.fetch_allowed_hosts,
        )

    @property
    def thresholds(self) -> Thresholds:
        """The two cut-offs of matching."""
        return Thresholds(
            link_min=self.match_auto_threshold, review_min=self.match_potential_threshold
        )

    @property
    def exchange_rates(self) -> ExchangeRates:
        """What prices are worth in the catalogue's currency."""
        return ExchangeRates.parse(self.currency_rates, currency=self.catalogue_currency)

    @property
    def import_rules(self) -> ImportRules:
        """How lists are imported, unless a supplier's metadata says otherwise."""
        return ImportRules(
            limits=SafetyLimits(
                rows_min_percent=_exact(self.import_rows_min_percent),
                known_min_percent=_exact(self.import_known_min_percent),
                price_move_max_percent=_exact(self.import_price_move_max_percent),
                moved_rows_max_percent=_exact(self.import_moved_rows_max_percent),
            ),
            missing=self.missing_items,
        )

    @property
    def file_size_bytes_max(self) -> int:
        """The largest file that is carried, in bytes."""
        return self.max_file_size_mb * 1024 * 1024

    @property
    def file_ttl(self) -> timedelta:
        """How long files in the shared folder are kept."""
        return timedelta(hours=self.file_cleanup_ttl_hours)

    @property
    def review_for(self) -> timedelta:
        """How long a review task waits for a person."""
        return timedelta(days=self.match_review_expiration_days)

    @property
    def step_seconds_max(self) -> float:
        """How long a step may run before it is ended and delivered again: a little less than
        JOB_TIMEOUT, after which arq ends it for good and tells nobody.
        """
        return max(self.job_timeout - 10.0, self.job_timeout * 0.8)

    @property
    def download_max(self) -> timedelta:
        """How long a download may take: the step has to say what came of it afterwards."""
        return timedelta(seconds=self.step_seconds_max * 0.8)

    @property
    def fetches_per_host_max(self) -> int:
        """How many lists one worker fetches from one host at once."""
        return self.fetch_per_host_max or max(1, self.max_workers - 1)

    @property
    def reading_cpu_seconds_max(self) -> int:
        """The processor time that reading one file may take: a minute less than JOB_TIMEOUT, or
        half of a shorter one.
        """
        return max(1, self.job_timeout - 60, self.job_timeout // 2)

    @property
    def macros_refused(self) -> bool:
        """Whether a workbook that could act is refused."""
        return self.xlsx_macros == "refuse"

    @property
    def sync_lease(self) -> timedelta:
        """How long a worker that died in a sync keeps the others from the next one."""
        return min(self.job_lease, _SYNC_LEASE_MAX)

    @property
    def job_lease(self) -> timedelta:
        """How long a claim lasts without being renewed."""
        return timedelta(seconds=self.job_lease_seconds)

    @property
    def rescue_interval(self) -> timedelta:
        """How often the sweep runs."""
        return timedelta(seconds=self.rescue_interval_seconds)

    @property
    def ml_poll_interval(self) -> timedelta:
        """How often a polling round is asked for."""
        return timedelta(seconds=self.ml_poll_interval_seconds)

    @property
    def drain_seconds(self) -> int:
        """How long running steps may go on after SIGTERM; the rest of the grace is for the end."""
        return self.shutdown_grace_seconds - 5

    @property
    def sync_interval(self) -> timedelta:
        """How long after a successful sync the next one is due."""
        return timedelta(hours=self.sync_interval_hours)

    @property
    def sync_missing_share_max(self) -> float:
        """The share of the active suppliers that may be missing in a master sheet, 0.0 to 1.0."""
        return self.sync_missing_percent_max / 100

    @property
    def analyzing_max(self) -> timedelta:
        """How long a reading may take."""
        return timedelta(minutes=self.ml_stalled_minutes)

    def require_database_url(self) -> str:
        """Return DATABASE_URL.

        Raises:
            SettingsError: it is not set, or names no PostgreSQL database.
        """
        url = self.database_url.get_secret_value().strip() if self.database_url else ""
        if not url.startswith(_DATABASE_SCHEMES):
            raise SettingsError(
                f"DATABASE_URL {'is not one of PostgreSQL' if url else 'is not set'}: "
                "give it as postgresql://user:password@host:5432/marketbel"
            )
        return url

    def require_redis_url(self) -> str:
        """Return REDIS_URL, or the address built of REDIS_HOST, REDIS_PORT and REDIS_PASSWORD.

        Raises:
            SettingsError: neither REDIS_URL nor REDIS_PASSWORD is set, or REDIS_URL is no address
                of Redis.
        """
        url = self.redis_url.get_secret_value().strip() if self.redis_url else ""
        if url and not url.startswith(_REDIS_SCHEMES):
            raise SettingsError(
                "REDIS_URL is not one of Redis: give it as redis://:password@host:6379/0, "
                "rediss://… or unix:///path/of/socket"
            )
        if url:
            return url
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
            SettingsError: it is a link, or no folder that can be written.
        """
        folder = self.uploads_dir
        if folder.is_symlink():
            raise SettingsError(
                f"UPLOADS_DIR is {folder}, which is a link: name the folder that it leads to; "
                "files are not stored through links"
            )
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise SettingsError(
                f"UPLOADS_DIR is {folder}, which is no folder that can be written: "
                "mount the volume shared with ml-analyze there, or name another folder"
            )
        return folder


def _exact(number: float) -> Decimal:
    """Return the number as it is typed: 50, not 50.0 and not 5E+1."""
    exact = Decimal(repr(number))
    whole = exact.to_integral_value()
    return whole if exact == whole else exact


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingFault:
    """A variable with a value that it must not have.

    Attributes:
        variable: In capitals; both spellings where there are two.
        message: What is wrong and how to put it right; never the value.
    """

    variable: str
    message: str


def load_settings() -> Settings:
    """Return the settings of the environment.

    Raises:
        SettingsError: a variable has a value that it must not have.
    """
    settings, faults = read_settings()
    if faults:
        told = "; ".join(f"{fault.variable}: {fault.message}" for fault in faults)
        raise SettingsError(f"the environment is not right: {told}")
    return settings


def read_settings() -> tuple[Settings, tuple[SettingFault, ...]]:
    """Return the settings of the environment, and its faults; what is wrong is left at defaults.

    Raises:
        SettingsError: the file `.env` is there and cannot be read.
    """
    try:
        return Settings(), ()
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"the file .env cannot be read ({type(error).__name__}): write it as UTF-8 text"
        ) from None
    faults: dict[str, SettingFault] = {}
    for detail in details:
        name = _field_name(str(detail["loc"][0]))
        faults.setdefault(name, _fault(name, detail["type"], detail["msg"]))
    return Settings(**_defaults(set(faults))), tuple(faults.values())


def _fault(name: str, kind: str, complaint: str) -> SettingFault:
    field = Settings.model_fields[name]
    if kind == "value_error":  # ours, and a whole sentence
        message = complaint.removeprefix("Value error, ")
    elif field.default is None:
        message = f"{complaint}; it is: {field.description}"
    else:
        message = f"{complaint}; left out, it is {field.default}"
    return SettingFault(variable=" or ".join(_spellings(name)), message=message)


def _defaults(names: set[str]) -> dict[str, Any]:
    pair = {"match_auto_threshold", "match_potential_threshold"}
    if names & pair:  # one of them may be wrong beside the other one's default
        names |= pair
    return {name: Settings.model_fields[name].default for name in names}


def _spellings(name: str) -> list[str]:
    alias = Settings.model_fields[name].validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [name]
    return [str(choice).upper() for choice in choices]


def _field_name(place: str) -> str:
    return next(name for name in Settings.model_fields if place.upper() in _spellings(name))


@functools.cache
def _shared() -> Settings:
    return load_settings()


def __getattr__(name: str) -> Any:  # noqa: ANN401 - choices are of many types
    """Return the choice called `name`, from the environment as it was at the first such call."""
    if name.startswith("_") or not (name in Settings.model_fields or name in vars(Settings)):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_shared(), name)
