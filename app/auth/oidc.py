"""Bearer tokens of an OpenID provider: JWTs, checked against the keys that it publishes.

OpenID Connect Discovery 1.0; RFC 7519 (JWT), RFC 7517 (JWKS), RFC 8725 (how not to fall for them):
only asymmetric algorithms that the operator named, a key that is meant for the one used, issuer,
audience and expiry always.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import jwt

from app.auth.fetch import Unreachable, fetch_json, is_allowed
from app.auth.principal import Principal, Refused, Right

logger = logging.getLogger(__name__)

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
_DISCOVERY = "/.well-known/openid-configuration"
_MAX_TOKEN = 16_384
_LEEWAY_S = 30
# Keys are asked for anew after so long, and at once for a key that is not among them, but not more often than that.
_KEYS_LAST_S = 3_600.0
_PAUSE_S = 30.0


@dataclass(frozen=True)
class Provider:
    """An OpenID provider, and what its tokens must say.

    Attributes:
        issuer: its address, as it stands in `iss`.
        audience: what must be in `aud`.
        algorithms: of signatures that are taken.
        scope_claim: the claim with scopes: text with spaces between, or a list.
    """

    issuer: str
    audience: str
    algorithms: Sequence[str]
    scope_claim: str


class ProviderUnreachable(Exception):
    """The provider's keys cannot be had, so that nobody's token can be checked."""


class KeySet:
    """The provider's keys, kept while they are fresh; renewed when it changes them."""

    def __init__(
        self,
        issuer: str,
        fetch: Callable[[str], Awaitable[Any]] = fetch_json,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Ask nothing before the first token comes.

        Args:
            issuer: address of the provider.
            fetch: returns the JSON document at an address, or raises `Unreachable`.
            clock: seconds that only grow.
        """
        self._issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, Mapping[str, Any]] = {}
        self._fetched = self._tried = float("-inf")
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> Mapping[str, Any]:
        """Return a key by its id.

        Raises:
            Refused: the provider has no such key.
            ProviderUnreachable: it cannot be asked, and nothing is known.
        """
        if kid not in self._keys or self._clock() - self._fetched > _KEYS_LAST_S:
            async with self._lock:
                await self._renew(kid)
        try:
            return self._keys[kid]
        except KeyError:
            raise Refused("the token is signed with a key that its issuer does not publish") from None

    async def _renew(self, kid: str) -> None:
        now = self._clock()
        is_stale = now - self._fetched > _KEYS_LAST_S
        if (kid in self._keys and not is_stale) or now - self._tried < _PAUSE_S:
            if not self._keys:
                raise ProviderUnreachable
            return
        self._tried = now
        try:
            self._keys = await self._fetch_keys()
            self._fetched = now
        except Unreachable as error:
            logger.error("OpenID provider %s: %s", self._issuer, error)
            if not self._keys:
                raise ProviderUnreachable from error

    async def _fetch_keys(self) -> dict[str, Mapping[str, Any]]:
        document = await self._fetch(self._issuer.rstrip("/") + _DISCOVERY)
        if not isinstance(document, dict) or document.get("issuer") != self._issuer:
            raise Unreachable("its configuration is of another issuer")
        address = document.get("jwks_uri")
        if not isinstance(address, str) or not is_allowed(address):
            raise Unreachable("its configuration names no address of keys that may be asked")
        listed = await self._fetch(address)
        keys = listed.get("keys") if isinstance(listed, dict) else None
        if not isinstance(keys, list):
            raise Unreachable("its keys are no JWK set")
        return {
            key["kid"]: key
            for key in keys
            if isinstance(key, dict) and isinstance(key.get("kid"), str) and _signs(key)
        }


class TokenChecker:
    """Tells whom a bearer token makes known."""

    def __init__(self, provider: Provider, keys: KeySet) -> None:
        """Check tokens of one provider with its keys."""
        self._provider = provider
        self._keys = keys

    async def check(self, token: str) -> Principal:
        """Return whom a token makes known.

        Raises:
            Refused: it is not a good token, or not for us; says why.
            ProviderUnreachable: it cannot be checked.
        """
        if len(token) > _MAX_TOKEN:
            raise Refused("the token is too long")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise Refused("the token is not a JWT") from None
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in self._provider.algorithms:
            raise Refused("the token is signed by an algorithm that is not taken")
        if not isinstance(kid, str):
            raise Refused("the token does not name its key (kid)")
        claims = self._claims(token, await self._keys.key(kid), algorithm)
        return Principal(str(claims["sub"])[:200], _rights(claims.get(self._provider.scope_claim)))

    def _claims(self, token: str, key: Mapping[str, Any], algorithm: str) -> dict[str, Any]:
        if key.get("alg", algorithm) != algorithm:
            raise Refused("the token is signed by an algorithm that its key is not for")
        try:
            return dict(
                jwt.decode(
                    token,
                    jwt.PyJWK(dict(key), algorithm=algorithm),
                    algorithms=[algorithm],
                    audience=self._provider.audience,
                    issuer=self._provider.issuer,
                    leeway=_LEEWAY_S,
                    options={"require": ["exp", "iss", "aud", "sub"]},
                )
            )
        except jwt.ExpiredSignatureError:
            raise Refused("the token has expired") from None
        except jwt.PyJWTError as error:
            # The library's text names claims, never the token.
            raise Refused(f"the token is not good: {type(error).__name__}") from None


def _signs(key: Mapping[str, Any]) -> bool:
    return key.get("use", "sig") == "sig" and key.get("kty") in ("RSA", "EC", "OKP")


def _rights(scopes: Any) -> frozenset[Right]:
    named = scopes.split() if isinstance(scopes, str) else scopes if isinstance(scopes, list) else []
    return frozenset(right for right in Right if right.value in named)
