"""Keys and tokens: who is let in, and who is not."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import SecretStr, ValidationError

from app.auth.fetch import Unreachable, fetch_json, is_allowed
from app.auth.keys import find_key, parse_key
from app.auth.oidc import KeySet, Provider, ProviderUnreachable, TokenChecker
from app.auth.principal import Refused, Right
from app.settings import ApiSettings

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ISSUER = "https://login.example.org/realms/eo"
DIGEST = hashlib.sha256(b"a-long-random-key").hexdigest()


def jwk(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    algorithm = (
        jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    )
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig", **more}


def token(key: Any = RSA_KEY, algorithm: str = "RS256", kid: str | None = "r1", **claims: Any) -> str:
    now = int(time.time())
    body = {"iss": ISSUER, "aud": "kakehashi", "sub": "alice", "exp": now + 86_400, "scope": "items:write x"}
    body = {name: value for name, value in {**body, **claims}.items() if value is not None}
    return jwt.encode(body, key, algorithm=algorithm, headers={"kid": kid} if kid else {})


class ReplayedProvider:
    """An OpenID provider without a network: documents by address, and which were asked for."""

    def __init__(self) -> None:
        self.keys = [jwk(RSA_KEY, "r1"), jwk(EC_KEY, "e1", alg="ES256")]
        self.issuer: Any = ISSUER
        self.jwks_uri: Any = "https://login.example.org/keys"
        self.is_away = False
        self.asked: list[str] = []
        self.now = 1000.0

    async def fetch(self, url: str) -> Any:
        self.asked.append(url)
        if self.is_away:
            raise Unreachable("no answer")
        if url == ISSUER + "/.well-known/openid-configuration":
            return {"issuer": self.issuer, "jwks_uri": self.jwks_uri}
        assert url == "https://login.example.org/keys"
        return {"keys": self.keys}

    def checker(self) -> TokenChecker:
        provider = Provider(ISSUER, "kakehashi", ["RS256", "ES256"], "scope")
        return TokenChecker(provider, KeySet(ISSUER, self.fetch, lambda: self.now))


@pytest.fixture
def provider() -> ReplayedProvider:
    return ReplayedProvider()


@pytest.mark.parametrize(
    ("good", "rights"),
    [
        (token(), {Right.ITEMS}),
        (token(EC_KEY, "ES256", "e1", scope=["collections:write", "items:write"]), set(Right)),
        (token(aud=["other", "kakehashi"], scope=None), set()),
    ],
)
async def test_good_tokens(provider: ReplayedProvider, good: str, rights: set[Right]) -> None:
    principal = await provider.checker().check(good)
    assert (principal.name, principal.rights) == ("alice", frozenset(rights))


async def test_clocks_may_differ_a_little(provider: ReplayedProvider) -> None:
    await provider.checker().check(token(exp=int(time.time()) - 5))


PUBLIC_PEM = b"-----BEGIN PUBLIC KEY----- as a shared secret of at least 32 bytes"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (token(aud="other"), "InvalidAudience"),
        (token(aud=None), "MissingRequiredClaim"),
        (token(iss="https://evil.example.org"), "InvalidIssuer"),
        (token(exp=int(time.time()) - 100), "expired"),
        (token(exp=None), "MissingRequiredClaim"),
        (token(sub=None), "MissingRequiredClaim"),
        (token(nbf=int(time.time()) + 1000), "ImmatureSignature"),
        (token(OTHER_RSA_KEY), "InvalidSignature"),
        (token(kid="unknown"), "does not publish"),
        (token(kid=None), "kid"),
        (token(PUBLIC_PEM, "HS256"), "algorithm"),
        (token("", "none"), "algorithm"),
        (token(RSA_KEY, "RS512"), "algorithm"),
        (token(RSA_KEY, "RS256", "e1"), "algorithm that its key is not for"),
        (token()[:-4] + "AAAA", "InvalidSignature"),
        ("a.b.c", "not a JWT"),
        ("x" * 20_000, "too long"),
    ],
)
async def test_bad_tokens(provider: ReplayedProvider, bad: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as refused:
        await provider.checker().check(bad)
    assert bad not in str(refused.value)


async def test_keys_are_asked_for_once_and_when_they_rotate(provider: ReplayedProvider) -> None:
    checker = provider.checker()
    for _ in range(3):
        await checker.check(token())
    assert len(provider.asked) == 2
    provider.keys = [jwk(OTHER_RSA_KEY, "r2")]
    provider.now += 31
    await checker.check(token(OTHER_RSA_KEY, kid="r2"))
    assert len(provider.asked) == 4
    with pytest.raises(Refused, match="does not publish"):
        await checker.check(token())


async def test_unknown_keys_do_not_make_us_ask_again_and_again(provider: ReplayedProvider) -> None:
    checker = provider.checker()
    await checker.check(token())
    for number in range(50):
        with pytest.raises(Refused, match="does not publish"):
            await checker.check(token(kid=f"unknown-{number}"))
    assert len(provider.asked) == 2


async def test_a_provider_that_is_away(provider: ReplayedProvider) -> None:
    provider.is_away = True
    checker = provider.checker()
    for _ in range(2):
        with pytest.raises(ProviderUnreachable):
            await checker.check(token())
    assert len(provider.asked) == 1
    provider.is_away, provider.now = False, provider.now + 31
    await checker.check(token())
    # Keys that are known stay good while it is away.
    provider.is_away, provider.now = True, provider.now + 4000
    await checker.check(token())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("issuer", "https://evil.example.org"),
        ("jwks_uri", "http://169.254.169.254/latest"),
        ("jwks_uri", "file:///etc/passwd"),
        ("jwks_uri", None),
        ("keys", {}),
        ("keys", [{"kty": "oct", "kid": "r1", "k": "AAAA"}]),
        ("keys", [jwk(RSA_KEY, "r1", use="enc")]),
    ],
)
async def test_a_provider_that_says_odd_things(provider: ReplayedProvider, name: str, value: Any) -> None:
    setattr(provider, name, value)
    with pytest.raises((ProviderUnreachable, Refused)):
        await provider.checker().check(token())


@contextmanager
def served(status: int, body: bytes, location: str = "") -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_what_is_fetched_over_http() -> None:
    with served(200, b'{"a": 1}') as url:
        assert await fetch_json(url) == {"a": 1}
    for status, body, location in (
        (302, b"", "http://127.0.0.1:1/"),
        (500, b"{}", ""),
        (200, b"<html>", ""),
        (200, b'"' + b"x" * 1_100_000 + b'"', ""),
    ):
        with served(status, body, location) as url, pytest.raises(Unreachable):
            await fetch_json(url)
    with pytest.raises(Unreachable):
        await fetch_json("http://127.0.0.1:1/")
    with pytest.raises(Unreachable):
        await fetch_json("http://keys.example.org/")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://login.example.org/x", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://[::1]/x", True),
        ("http://localhost/x", True),
        ("http://login.example.org/x", False),
        ("http://10.0.0.1/", False),
        ("http://localhost.evil.example/", False),
        ("https://user:secret@login.example.org/", False),
        ("file:///etc/passwd", False),
        ("ftp://localhost/", False),
        ("https://", False),
        ("http://[", False),
    ],
)
def test_addresses(url: str, allowed: bool) -> None:
    assert is_allowed(url) is allowed


def test_static_keys() -> None:
    keys = [parse_key(f"ops:{DIGEST.upper()}:items:write"), parse_key(f"b:{'0' * 64}:collections:write")]
    found = find_key(keys, "a-long-random-key")
    assert found is not None
    assert (found.name, found.rights) == ("ops", frozenset({Right.ITEMS}))
    assert find_key(keys, "another") is None
    assert find_key(keys, DIGEST) is None
    assert find_key([], "") is None


@pytest.mark.parametrize("entry", ["", "ops", f"ops:{DIGEST}", f"ops:{DIGEST}:all", "ops:secret:items:write"])
def test_a_key_that_is_not_well_written_is_not_repeated(entry: str) -> None:
    with pytest.raises(ValueError) as wrong:
        parse_key(entry)
    assert DIGEST not in str(wrong.value)
    assert "secret" not in str(wrong.value)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"transactions": True}, "TRANSACTION_KEYS"),
        ({"oidc_issuer": ISSUER}, "OIDC_AUDIENCE"),
        ({"oidc_issuer": "http://login.example.org", "oidc_audience": "x"}, "OIDC_ISSUER"),
        ({"oidc_algorithms": ["HS256"]}, "HS256"),
        ({"oidc_algorithms": ["none"]}, "none"),
        ({"transaction_keys": [SecretStr("nonsense")]}, "name:sha256:scopes"),
    ],
)
def test_settings_that_would_let_in_anybody_or_nobody(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        ApiSettings(**settings)
