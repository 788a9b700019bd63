"""The door: from a request's headers to somebody who may do what is asked, or 401 or 403."""

from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.auth.audit import audit_log
from app.auth.keys import StaticKey, find_key, parse_key
from app.auth.oidc import KeySet, Provider, ProviderUnreachable, TokenChecker
from app.auth.principal import Principal, Refused, Right
from app.settings import ApiSettings

# RFC 6750.
_CHALLENGE = 'Bearer realm="kakehashi"'
_KEY_HEADER = "x-api-key"


class Guard:
    """Lets in whom a key or a token makes known, for what they have the right to."""

    def __init__(self, keys: Sequence[StaticKey], tokens: TokenChecker | None, retry_after_s: float) -> None:
        """Take credentials of some kinds.

        Args:
            keys: static keys, as `X-API-Key` or as bearer tokens.
            tokens: checks JWTs; None: there is no provider.
            retry_after_s: seconds to wait when the provider is away.
        """
        self._keys = keys
        self._tokens = tokens
        self._retry_after_s = retry_after_s
        self._log = audit_log()

    async def require(self, request: Request, right: Right) -> Principal:
        """Return who asks, if they may.

        Raises:
            HTTPException: 401 without good credentials, 403 without the right, 503 if nobody can tell.
        """
        try:
            principal = await self._principal(request)
        except Refused as refusal:
            challenge = f'{_CHALLENGE}, error="invalid_token"'
            raise HTTPException(401, str(refusal), {"WWW-Authenticate": challenge}) from None
        except ProviderUnreachable:
            wait = {"Retry-After": f"{self._retry_after_s:.0f}"}
            raise HTTPException(503, "the OpenID provider cannot be reached just now", wait) from None
        if principal is None:
            reason = "this needs credentials: Authorization: Bearer ..., or X-API-Key"
            raise HTTPException(401, reason, {"WWW-Authenticate": _CHALLENGE})
        if right not in principal.rights:
            challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{right}"'
            raise HTTPException(403, f"this needs the scope {right}", {"WWW-Authenticate": challenge})
        self._log.info("%s %r by %r", request.method, request.url.path, principal.name)
        return principal

    async def permits(self, request: Request, right: Right) -> bool:
        """Whether who asks has a right, at an address where those without it may ask for something else."""
        try:
            principal = await self._principal(request)
        except (Refused, ProviderUnreachable):
            return False
        return principal is not None and right in principal.rights

    async def _principal(self, request: Request) -> Principal | None:
        """Return whom the credentials make known; None if there are none."""
        key = request.headers.get(_KEY_HEADER)
        scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
        token = token.strip()
        if key is None and not scheme:
            return None
        if key is None:
            if scheme.lower() != "bearer" or not token:
                raise Refused("Authorization: Bearer is the one scheme that is taken")
            if self._tokens is not None and token.count(".") == 2:
                return await self._tokens.check(token)
            key = token
        principal = find_key(self._keys, key)
        if principal is None:
            raise Refused("the key is not known")
        return principal


def make_guard(settings: ApiSettings) -> Guard:
    """Return the guard that settings describe."""
    keys = [parse_key(entry.get_secret_value()) for entry in settings.transaction_keys]
    tokens = None
    if settings.oidc_issuer is not None:
        provider = Provider(
            issuer=settings.oidc_issuer,
            audience=settings.oidc_audience or "",
            algorithms=settings.oidc_algorithms,
            scope_claim=settings.oidc_scope_claim,
        )
        tokens = TokenChecker(provider, KeySet(provider.issuer))
    return Guard(keys, tokens, settings.retry_after_s)
