"""Settings of the HTTP API, read once when the application is made."""

from typing import Annotated, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

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

    Every setting is an environment variable `KAKEHASHI_<NAME>`. Lists are separated by commas.
    """

    model_config = SettingsConfigDict(env_prefix="KAKEHASHI_", extra="ignore")

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
    max_body_bytes: PositiveInt = Field(
        default=1_048_576, description="Longest body of a request in bytes; a longer one is refused with 413."
    )
    cors_origins: Annotated[list[str], NoDecode] = Field(
        default=["*"], description="Web origins whose pages may read the API; * for all."
    )
    trusted_proxies: Annotated[list[str], NoDecode] = Field(
        default=["*"],
        description=(
            "Addresses or networks (CIDR) whose Forwarded and X-Forwarded-* headers set the links of an "
            "answer; * for all, which is safe unless a shared cache stores answers without regard to them."
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
    page_token_key: SecretStr | None = Field(
        default=None,
        description="Secret that signs page tokens. Unset: the one that the database keeps for all processes.",
    )

    @field_validator("cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @field_validator("root_path")
    @classmethod
    def _normal_path(cls, value: str) -> str:
        path = value.rstrip("/")
        if path and (not path.startswith("/") or path.startswith("//")):
            raise ValueError("a root path begins with one slash")
        return path

    @model_validator(mode="after")
    def _limits_agree(self) -> Self:
        if self.default_limit > self.max_limit:
            raise ValueError("KAKEHASHI_DEFAULT_LIMIT is greater than KAKEHASHI_MAX_LIMIT")
        return self
