"""Settings of the HTTP API, read once when the application is made."""

from typing import Annotated, Self

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.auth.fetch import is_allowed
from app.auth.keys import parse_key
from app.auth.oidc import ALGORITHMS
from app.proxy import networks
from catalog.settings import Texts, separated

_DESCRIPTION = (
    "One STAC API for the Earth-observation metadata of Europe's Copernicus programme and of Japan's "
    "non-commercial missions and in-situ sources, with one vocabulary for both. "
    "Kakehashi (架け橋) is Japanese for bridge."
)
_DESCRIPTION_JA = (
    "欧州のコペルニクス計画と、日本の非商業衛星・地上観測の地球観測メタデータを、ひとつの語彙でまとめて検索できるSTAC APIです。"
    "架け橋（Kakehashi）は両者をつなぎます。"
)


class ApiSettings(BaseSettings):
    """How the API presents itself and what it allows.

    Every setting is an environment variable `KAKEHASHI_<NAME>`; see `catalog.settings`.
    """

    model_config = SettingsConfigDict(env_prefix="KAKEHASHI_", env_ignore_empty=True, extra="ignore")

    title: str = Field(default="Kakehashi", description="Title on the landing page.")
    landing_id: str = Field(default="kakehashi", description="Id of the catalogue.")
    description: str = Field(default=_DESCRIPTION, description="Description on the landing page (English).")
    title_ja: str = Field(default="架け橋 Kakehashi", description="Title on the landing page (Japanese).")
    description_ja: str = Field(
        default=_DESCRIPTION_JA, description="Description on the landing page (Japanese)."
    )
    root_path: str = Field(
        default="",
        description="Path under which a proxy serves the API, such as /stac. X-Forwarded-Prefix overrides it.",
    )
    default_limit: PositiveInt = Field(
        default=10, description="Items of a page when a client names no limit."
    )
    max_limit: PositiveInt = Field(
        default=10_000, description="Most items of a page; a larger limit is cut to it."
    )
    max_page_bytes: PositiveInt = Field(
        default=33_554_432,
        description=(
            "Most bytes of the items of a page, before compression; a page of more is shorter than its limit and "
            "has a next link."
        ),
    )
    max_outgoing_bytes: PositiveInt = Field(
        default=134_217_728,
        description="Most bytes of large answers that a worker holds for clients that still read them; more get 503.",
    )
    max_body_bytes: PositiveInt = Field(
        default=1_048_576, description="Longest body of a request in bytes; a longer one is refused with 413."
    )
    cors_origins: Texts = Field(
        default=["*"],
        description="Web origins whose pages may read the API; * for all, a comma alone for none.",
    )
    trusted_proxies: Texts = Field(
        default=["*"],
        description=(
            "Addresses or networks (CIDR) whose Forwarded and X-Forwarded-* headers set the links of an "
            "answer; * for all, which is safe unless a shared cache stores answers without regard to them; "
            "a comma alone for none."
        ),
    )
    retry_after_s: NonNegativeFloat = Field(
        default=5, description="Seconds that a 503 asks clients to wait before they try again."
    )
    cache_max_age_s: NonNegativeInt = Field(
        default=0,
        description=(
            "Seconds that caches and browsers may use an answer without asking again (Cache-Control). "
            "0: they ask each time, and get 304 if nothing changed."
        ),
    )
    catalogue_cache_bytes: NonNegativeInt = Field(
        default=16_777_216,
        description=(
            "Memory of a worker, in bytes, for finished answers about the catalogue itself (landing page, "
            "collections, queryables); they are forgotten when the database tells of a change. 0: none."
        ),
    )
    catalogue_ttl_s: NonNegativeFloat = Field(
        default=5,
        description=(
            "Seconds that such answers are used while the database cannot tell of changes, as a replica cannot."
        ),
    )
    status_max_age_s: NonNegativeFloat = Field(
        default=10, description="How many seconds old /status and the metrics of the harvest may be."
    )
    page_token_key: SecretStr | None = Field(
        default=None,
        description="Secret that signs page tokens. Unset: the one that the database keeps for all processes.",
    )

    transactions: bool = Field(
        default=False,
        description=(
            "Whether items and collections may be changed over HTTP (STAC API - Transaction), by whoever has "
            "one of the keys or tokens below. Off: there are no such routes."
        ),
    )
    transaction_keys: Annotated[list[SecretStr], NoDecode, BeforeValidator(separated)] = Field(
        default=[],
        description=(
            "Static keys that may change things, each as name:sha256:scopes, with the hex SHA-256 of the key; "
            "scopes are items:write and collections:write, joined by +."
        ),
    )
    transaction_max_body_bytes: PositiveInt = Field(
        default=33_554_432, description="Longest body in bytes of a request that changes things."
    )
    oidc_issuer: str | None = Field(
        default=None,
        description=(
            "OpenID provider whose bearer tokens may change things, as it stands in their iss; its keys are "
            "found by discovery."
        ),
    )
    oidc_audience: str | None = Field(default=None, description="What must stand in aud of such tokens.")
    oidc_algorithms: Texts = Field(
        default=["RS256", "ES256"], description="Algorithms of signatures that are taken."
    )
    oidc_scope_claim: str = Field(
        default="scope",
        description="Claim that holds the scopes items:write and collections:write, as text or a list.",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses_are_addresses(cls, value: list[str]) -> list[str]:
        networks(value)
        return value

    @field_validator("root_path")
    @classmethod
    def _normal_path(cls, value: str) -> str:
        path = value.rstrip("/")
        if path and (not path.startswith("/") or path.startswith("//")):
            raise ValueError("a root path begins with one slash")
        return path

    @field_validator("transaction_keys")
    @classmethod
    def _keys_are_keys(cls, value: list[SecretStr]) -> list[SecretStr]:
        for entry in value:
            parse_key(entry.get_secret_value())
        return value

    @field_validator("oidc_algorithms")
    @classmethod
    def _asymmetric(cls, value: list[str]) -> list[str]:
        if unknown := set(value) - ALGORITHMS:
            raise ValueError(f"no algorithm that may be used: {', '.join(sorted(unknown))}")
        return value

    @model_validator(mode="after")
    def _somebody_may_write(self) -> Self:
        if self.oidc_issuer is not None:
            if not self.oidc_audience:
                raise ValueError("KAKEHASHI_OIDC_ISSUER needs KAKEHASHI_OIDC_AUDIENCE")
            if not is_allowed(self.oidc_issuer):
                raise ValueError("KAKEHASHI_OIDC_ISSUER is neither https nor on this machine")
        if self.transactions and not self.transaction_keys and self.oidc_issuer is None:
            raise ValueError(
                "KAKEHASHI_TRANSACTIONS needs KAKEHASHI_TRANSACTION_KEYS or KAKEHASHI_OIDC_ISSUER"
            )
        return self

    @model_validator(mode="after")
    def _limits_agree(self) -> Self:
        if self.default_limit > self.max_limit:
            raise ValueError("KAKEHASHI_DEFAULT_LIMIT is greater than KAKEHASHI_MAX_LIMIT")
        return self
