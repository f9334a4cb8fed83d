"""The one frozen settings object, read once at start from the environment and the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_PACKAGE_DIR = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    """Folder that ships with the project: inside the wheel, or beside the package in a checkout."""
    inside_wheel = _PACKAGE_DIR / "_shipped" / name
    return inside_wheel if inside_wheel.is_dir() else _PACKAGE_DIR.parent / name


def is_safe_address(address: str, *, on_loopback: bool) -> bool:
    """Whether what is sent to an address of the web stays secret on its way.

    Parameters
    ----------
    address : str
    on_loopback : bool
        Whether this machine itself may be asked without TLS.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    is_here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    is_safe = parts.scheme == "https" or (on_loopback and parts.scheme == "http" and is_here)
    return is_safe and bool(parts.hostname) and parts.username is None


class Settings(BaseSettings):
    """Where things are and which fleet is meant; nothing here changes a figure once on record.

    Attributes
    ----------
    home : Path
        Folder of the embedded defaults: database, traces, received files, rejections.
    database_url : str or None
        PostgreSQL URL; None means SQLite in `home`.
    traces_url : str or None
        ``file://`` or ``s3://`` URL of the trace store; None means a folder in `home`.
    fleet : str
        Identifier of the fleet that commands act for.
    timezone : str
        Civil time zone given to a fleet when it is first created; from then on the record rules.
    scheduler : str or None
        How work is spread: ``threads``, ``processes`` or the address of a Dask scheduler; None
        means threads.
    workers : int or None
        Jobs at a time; None means one per processor.
    signing_key : SecretStr or None
        Ed25519 key of the ledger as PEM text; None means a file in `home`, made when it is needed.
    geocoder : str or None
        Name of a geopy service that is asked for places without coordinates before the offline
        gazetteer is; None means that nothing is asked over a network.
    geocoder_options : dict of str to str
        What that service needs, for example ``{"api_key": "..."}``, as JSON.
    geocoder_crs : str
        Coordinate system of its answers: wgs84, gcj02 or bd09.
    geocoder_uncertainty_km : float
        Radius in which a place lies where the service does not say it. [km]
    public_url : str or None
        Address at which others reach the service, for the QR code of statements; None means that
        the code holds the digest of the signed statement alone.
    tiles_url : str or None
        Where the map takes the ground from, with {z}, {x} and {y} in it; None means the outlines
        of the provinces alone, and no request to any other server.
    tiles_attribution : str
        Who made the tiles, as their licence wants it said.
    request_bytes_max, request_unpacked_bytes_max : int
        Largest body of a request as it is sent, and unpacked. [byte]
    request_patience_s : float
        How long the head of a request and the first 64 KiB of its body may take. [s]
    log_format, log_level : str
        How `serve` and `worker` log: json or text; from debug, info, warning or error on.
    metrics_token : SecretStr or None
        What opens `/metrics` from other machines; None means that it is open to this one alone.
    proxy_hops : int
        How many reverse proxies before the service are trusted to tell who asks.
    disk_free_bytes_min : int
        With less room left the service says that it is not ready. [byte]
    webhook_key : SecretStr or None
        32 bytes in base64 that encrypt the secrets of webhooks; None means a file in `home`, made
        when it is needed. Processes on several machines need the same.
    webhook_private : bool
        Whether webhooks may go to http and to private addresses: for tests, and for receivers in
        the own network where everybody who may set an endpoint is trusted.
    webhook_log_days : int
        How long deliveries of webhooks are kept, and can be asked for again. [d]
    webhook_failing_days : int
        An endpoint at which every attempt failed for so long is told no more. [d]
    downloads_days : int
        How long files are kept that jobs made to be fetched. [d]
    requests_per_s_max, rows_per_s_max : int or None
        What one key may ask and send; None means as much as the machine takes. [1/s]
    sign_in_failures_count_per_min_max : int
        Sign-ins, by password or client credentials, that may fail from one address. [1/min]
    token_lasts_s : int
        How long a token of OAuth 2 lasts. [s]
    session_idle_s_max, session_lasts_h_max : int
        When a session ends that is not used, and when it ends anyway. [s, h]
    cookie_secure : bool
        False lets browsers send the session over plain HTTP: for a machine by itself.
    password_length_min : int
        Of the passwords of users. [characters]
    oidc_issuer : str or None
        Where people sign on by OpenID Connect, exactly as it names itself; None means nowhere.
    oidc_client_id, oidc_client_secret, oidc_redirect_url : str, SecretStr or None, str
        As they are registered there; the address ends in ``/oidc/callback``.
    oidc_login_claim : str
        What finds a user at first: ``email``, if it was verified there, or ``sub``.
    oidc_fleet_claim : str or None
        Which claim names the fleet; None means that everybody is of `fleet`.
    oidc_role_claim, oidc_roles : str or None, dict of str to str
        Which claim gives a role to who is not on record, and our role by its values, the first
        that fits; without them nobody is let in who is not on record.
    oidc_loopback : bool
        Whether the other place may be asked without TLS on this very machine: for a trial.
    mail_host, mail_port, mail_security
        Server that takes mail, its port, and ``starttls``, ``tls`` or ``none``; None sends none.
    mail_user, mail_password, mail_sender
        Who signs in there, and the address that messages come from.
    mail_ca_file : Path or None
        Certificates that vouch for the server; None means those of the machine.
    mail_attachments_bytes_max : int
        A message carries no more; files that do not fit are named in it. [byte]
    mqtt_password : SecretStr or None
        Of the user named in the address of a broker.
    mqtt_ca_file : Path or None
        Certificates that vouch for the broker; None means those of the machine.
    pull_token : SecretStr or None
        Token, key or password by which a server whose pages are asked for knows who asks.
    pull_user : str
        Who asks, where a password needs a name.
    ileap_client_id, ileap_client_secret : str, SecretStr or None
        By which another host of iLEAP knows who asks.
    exchange_hosts : dict of str to (str, SecretStr)
        Hosts of PACT that ask for footprints by events, and are answered: address -> client id
        and secret there, as JSON ``{"https://...": ["id", "secret"]}``.
    exchange_recipients : dict of str to dict of str to tuple of str
        Which of these hosts are told of footprints as they are published: fleet -> address ->
        customers as orders name them, of whose shipments, as JSON.
    companies : dict of str to tuple of str
        In whose name footprints and reports for customers are told: fleet -> name, then URNs
        that others know it by; else the name of the fleet.
    ileap_private : bool
        Whether hosts of iLEAP may be asked over http and at private addresses: for trials.
    """

    model_config = SettingsConfigDict(env_prefix="FLEET_CARBON_", frozen=True, extra="ignore")

    home: Path = Path("fleet-carbon-home")
    database_url: str | None = None
    traces_url: str | None = None
    fleet: str = "default"
    timezone: str = "Asia/Shanghai"
    scheduler: str | None = None
    workers: int | None = None
    signing_key: SecretStr | None = None
    geocoder: str | None = None
    geocoder_options: dict[str, str] = {}
    geocoder_crs: Literal["wgs84", "gcj02", "bd09"] = "wgs84"
    geocoder_uncertainty_km: float = 5.0
    public_url: str | None = None
    tiles_url: str | None = None
    tiles_attribution: str = ""
    request_bytes_max: int = 64 << 20
    request_unpacked_bytes_max: int = 512 << 20
    request_patience_s: Annotated[float, Field(gt=0)] = 10.0
    log_format: Literal["json", "text"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    metrics_token: SecretStr | None = None
    proxy_hops: int = 0
    disk_free_bytes_min: int = 256 << 20
    webhook_key: SecretStr | None = None
    webhook_private: bool = False
    webhook_log_days: int = 30
    webhook_failing_days: int = 5
    downloads_days: Annotated[int, Field(ge=1)] = 7
    requests_per_s_max: Annotated[int, Field(ge=1)] | None = None
    rows_per_s_max: Annotated[int, Field(ge=1)] | None = None
    sign_in_failures_count_per_min_max: int = Field(10, ge=1)
    token_lasts_s: int = Field(900, ge=1, le=86_400)
    session_idle_s_max: int = Field(3600, ge=1)
    session_lasts_h_max: int = Field(12, ge=1)
    cookie_secure: bool = True
    password_length_min: int = Field(12, ge=8, le=64)
    oidc_issuer: str | None = None
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None
    oidc_redirect_url: str = ""
    oidc_login_claim: Literal["email", "sub"] = "email"
    oidc_fleet_claim: str | None = None
    oidc_role_claim: str | None = None
    oidc_roles: dict[str, Literal["admin", "manager", "dispatcher", "auditor"]] = {}
    oidc_loopback: bool = False
    mail_host: str | None = None
    mail_port: int = 587
    mail_security: Literal["starttls", "tls", "none"] = "starttls"
    mail_user: str | None = None
    mail_password: SecretStr | None = None
    mail_sender: str | None = None
    mail_ca_file: Path | None = None
    mail_attachments_bytes_max: int = 8 << 20
    mqtt_password: SecretStr | None = None
    mqtt_ca_file: Path | None = None
    pull_token: SecretStr | None = None
    pull_user: str = ""
    ileap_client_id: str = ""
    ileap_client_secret: SecretStr | None = None
    exchange_hosts: dict[str, tuple[str, SecretStr]] = {}
    exchange_recipients: dict[str, dict[str, tuple[str, ...]]] = {}
    companies: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = {}
    ileap_private: bool = False
    models_dir: Path = _shipped("models")
    samples_dir: Path = _shipped("data/samples")

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as missing:
            raise ValueError(f"{name!r} is no IANA time zone, such as Asia/Shanghai") from missing
        return name

    @model_validator(mode="after")
    def _exchange_is_whole(self) -> Self:
        for fleet, (name, *ids) in self.companies.items():
            if not name.strip() or not all(one.startswith("urn:") for one in ids):
                raise ValueError(f"companies: {fleet} needs a name, and then URNs (urn:...)")
        told = {host for hosts in self.exchange_recipients.values() for host in hosts}
        if unknown := sorted(told - set(self.exchange_hosts)):
            raise ValueError(f"exchange_recipients: {unknown[0]} is none of exchange_hosts")
        return self

    @model_validator(mode="after")
    def _sign_on_is_whole(self) -> Self:
        if self.oidc_issuer is None:
            return self
        if not self.oidc_client_id or not self.oidc_client_secret:
            raise ValueError("oidc_issuer needs oidc_client_id and oidc_client_secret, too")
        for address in (self.oidc_issuer, self.oidc_redirect_url):
            if not is_safe_address(address, on_loopback=self.oidc_loopback):
                raise ValueError(f"{address!r} is no https address")
        if urlsplit(self.oidc_redirect_url).path != "/oidc/callback":
            raise ValueError("oidc_redirect_url ends in /oidc/callback")
        if bool(self.oidc_role_claim) != bool(self.oidc_roles):
            raise ValueError("oidc_role_claim and oidc_roles need each other")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The fleet's time zone."""
        return ZoneInfo(self.timezone)
