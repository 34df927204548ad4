"""The servers' JWT flow: what an assertion must be, and what a server's token is good for."""

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from orderbridge.broker_api.login.model import ServerClient
from orderbridge.broker_api.login.server_token import read_certificate
from orderbridge.broker_api.login.tokens import digest
from orderbridge.errors import NotSignedInError
from tests.unit.broker_api.login.bench import CLIENT, NOW_MS, Bench

NOW_S = NOW_MS // 1000
ISSUER, SECRET, USER = "tv-data-1", "server-secret", "testuser1"
TOKEN_URL, APP_URL = "https://bridge.example.com/authorize/token", "https://bridge.example.com"
GRANT = "urn:orderbridge:oauth:grant-type:personal-jwt"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Make a key once; `number` tells two apart."""
    del number
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def certificate_of(key: Key, days: int = 365) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tradingview")])
    begun = datetime.fromtimestamp(NOW_S, UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begun)
        .not_valid_after(begun + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
def server(bench: Bench) -> ServerClient:
    client = ServerClient(
        client_id=ISSUER,
        secret_hashes=(digest(SECRET),),
        user_id=USER,
        app_url=APP_URL,
        token_url=TOKEN_URL,
        grant_type=GRANT,
        certificates=(read_certificate(certificate_of(rsa_key())),),
        account="sim-a",
    )
    bench.panel.clients.put(client)
    return client


def assertion(server: ServerClient, header: dict[str, Any] | None = None, **claims: Any) -> str:
    stated = {"iss": ISSUER, "sub": USER, "aud": TOKEN_URL, "exp": NOW_S + 300, "spurl": APP_URL} | claims
    kept = {name: value for name, value in stated.items() if value is not None}
    headers = {"x5t": server.certificates[0].sha1} if header is None else header
    return jwt.PyJWS().encode(json.dumps(kept).encode(), rsa_key(), algorithm="RS256", headers=headers)


def ask(bench: Bench, signed: str, **changes: Any) -> tuple[int, dict[str, Any]]:
    form = {"grant_type": GRANT, "assertion": signed, "client_id": ISSUER, "client_secret": SECRET} | changes
    return bench.token(form, path="/authorize/token")


# ---- a good one


def test_good_assertion_gives_a_servers_token(bench: Bench, server: ServerClient) -> None:
    status, answer = ask(bench, assertion(server))

    assert status == 200
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 1200)
    assert bench.panel.authenticator.authenticate_server(answer["access_token"]) == server


def test_ten_requests_give_ten_tokens(bench: Bench, server: ServerClient) -> None:
    signed = assertion(server)

    tokens = {ask(bench, signed)[1]["access_token"] for _ in range(10)}

    assert len(tokens) == 10


def test_thumbprint_is_known_in_its_customary_writings(bench: Bench, server: ServerClient) -> None:
    sha1, sha256 = (bytes.fromhex(text) for text in (server.certificates[0].sha1, server.certificates[0].sha256))
    headers: list[dict[str, Any]] = [
        {"x5t": sha1.hex().upper()},
        {"x5t": base64.urlsafe_b64encode(sha1).decode().rstrip("=")},
        {"x5t": base64.urlsafe_b64encode(sha1.hex().encode()).decode()},
        {"x5t#S256": base64.urlsafe_b64encode(sha256).decode().rstrip("=")},
    ]

    assert [ask(bench, assertion(server, header))[0] for header in headers] == [200] * 4


def test_second_certificate_is_good_beside_the_first(bench: Bench, server: ServerClient) -> None:
    other = read_certificate(certificate_of(rsa_key(1)))
    bench.panel.clients.put(
        ServerClient(ISSUER, server.secret_hashes, USER, APP_URL, TOKEN_URL, GRANT, (*server.certificates, other))
    )
    claims = {"iss": ISSUER, "sub": USER, "aud": TOKEN_URL, "exp": NOW_S + 300, "spurl": APP_URL}

    signed = jwt.encode(claims, rsa_key(1), algorithm="RS256", headers={"x5t": other.sha1})

    assert ask(bench, signed)[0] == 200
    assert ask(bench, assertion(server))[0] == 200


# ---- claims


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody"},
        {"iss": None},
        {"iss": ["tv-data-1"]},
        {"sub": "another"},
        {"sub": None},
        {"aud": "https://another.example.com/authorize/token"},
        {"aud": None},
        {"spurl": "https://another.example.com"},
        {"spurl": None},
        {"spurl": [APP_URL]},
        {"exp": NOW_S - 31},
        {"exp": NOW_S + 86_401},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"nbf": NOW_S + 60},
    ],
)
def test_assertion_with_a_wrong_claim_is_refused(bench: Bench, server: ServerClient, claims: dict[str, Any]) -> None:
    status, answer = ask(bench, assertion(server, **claims))

    assert (status, answer["error"]) == (400, "invalid_grant")


# ---- keys and algorithms


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def claims_of(server: ServerClient) -> dict[str, Any]:
    return {"iss": ISSUER, "sub": USER, "aud": TOKEN_URL, "exp": NOW_S + 300, "spurl": APP_URL}


@pytest.mark.parametrize("alg", ["none", "None", "NONE", ""])
def test_unsigned_assertion_is_refused(bench: Bench, server: ServerClient, alg: str) -> None:
    header = {"alg": alg, "typ": "JWT", "x5t": server.certificates[0].sha1}

    status, answer = ask(bench, f"{encoded(header)}.{encoded(claims_of(server))}.")

    assert (status, answer["error"]) == (400, "invalid_grant")


def test_assertion_signed_with_the_certificate_as_a_shared_secret_is_refused(
    bench: Bench, server: ServerClient
) -> None:
    import hashlib
    import hmac

    header = {"alg": "HS256", "typ": "JWT", "x5t": server.certificates[0].sha1}
    signed = f"{encoded(header)}.{encoded(claims_of(server))}"
    for secret in (
        server.certificates[0].pem.encode(),
        rsa_key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    ):
        mac = base64.urlsafe_b64encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest()).decode().rstrip("=")
        assert ask(bench, f"{signed}.{mac}")[0] == 400


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_other_algorithm_with_the_right_key_is_refused(bench: Bench, server: ServerClient, algorithm: str) -> None:
    headers = {"x5t": server.certificates[0].sha1}

    signed = jwt.encode(claims_of(server), rsa_key(), algorithm=algorithm, headers=headers)

    assert ask(bench, signed)[0] == 400


def test_assertion_of_another_key_under_our_thumbprint_is_refused(bench: Bench, server: ServerClient) -> None:
    headers = {"x5t": server.certificates[0].sha1}

    signed = jwt.encode(claims_of(server), rsa_key(7), algorithm="RS256", headers=headers)

    assert ask(bench, signed)[0] == 400


def test_key_that_comes_with_the_assertion_is_not_used(bench: Bench, server: ServerClient) -> None:
    forged = read_certificate(certificate_of(rsa_key(7)))
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key(7).public_key()))
    headers = {"x5t": forged.sha1, "jwk": public, "x5c": [forged.pem], "jku": "https://evil.example.com/keys"}

    signed = jwt.encode(claims_of(server), rsa_key(7), algorithm="RS256", headers=headers)

    assert ask(bench, signed)[0] == 400


@pytest.mark.parametrize("header", [{}, {"x5t": ""}, {"x5t": "00" * 20}, {"x5t": "!"}, {"x5t": ["a"]}, {"kid": "1"}])
def test_assertion_that_names_no_certificate_on_file_is_refused(
    bench: Bench, server: ServerClient, header: dict[str, Any]
) -> None:
    assert ask(bench, assertion(server, header))[0] == 400


def test_certificate_that_is_over_signs_nothing(bench: Bench, server: ServerClient) -> None:
    bench.pass_ms(366 * 86_400_000)

    signed = assertion(server, exp=bench.now_ms // 1000 + 300)

    assert ask(bench, signed)[0] == 400


@pytest.mark.parametrize(
    "text", ["", "a", "a.b.c", "....", "x" * 20_000, f"{'W' * 4000}.{'W' * 4000}.", "\u0000", "é.é.é"]
)
def test_text_that_is_no_assertion_is_refused(bench: Bench, server: ServerClient, text: str) -> None:
    assert ask(bench, text)[0] == 400


def test_deeply_nested_header_is_refused(bench: Bench, server: ServerClient) -> None:
    nested = base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=")

    assert ask(bench, f"{nested}.{nested[:100]}.x")[0] == 400


# ---- the client


@pytest.mark.parametrize("changes", [{"client_secret": "wrong"}, {"client_id": "nobody"}, {"client_id": CLIENT}])
def test_server_that_cannot_prove_itself_is_refused(
    bench: Bench, server: ServerClient, changes: dict[str, str]
) -> None:
    status, answer = ask(bench, assertion(server), **changes)

    assert (status, answer["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("grant", ["urn:another:oauth:grant-type:personal-jwt", "authorization_code"])
def test_another_grant_type_is_refused(bench: Bench, server: ServerClient, grant: str) -> None:
    status, answer = ask(bench, assertion(server), grant_type=grant)

    assert (status, answer["error"]) == (400, "unsupported_grant_type")


def test_server_cannot_redeem_codes(bench: Bench, server: ServerClient) -> None:
    status, answer = bench.redeem(bench.code(), client_id=ISSUER, client_secret=SECRET)

    assert (status, answer["error"]) == (401, "invalid_client")


# ---- what the token is good for


def test_servers_token_is_nobodys_user(bench: Bench, server: ServerClient) -> None:
    token = ask(bench, assertion(server))[1]["access_token"]

    with pytest.raises(NotSignedInError):
        bench.panel.authenticator.authenticate(token)
    assert bench.panel.authenticator.authenticate_either(token) == server


def test_users_token_is_no_servers(bench: Bench) -> None:
    token = bench.tokens()["access_token"]

    with pytest.raises(NotSignedInError):
        bench.panel.authenticator.authenticate_server(token)
    assert bench.panel.authenticator.authenticate_either(token) == bench.panel.authenticator.authenticate(token)


def test_servers_token_ends_with_its_client(bench: Bench, server: ServerClient) -> None:
    token = ask(bench, assertion(server))[1]["access_token"]

    bench.panel.clients.remove(ISSUER)

    with pytest.raises(NotSignedInError):
        bench.panel.authenticator.authenticate_server(token)


# ---- certificates


def test_certificate_without_a_strong_rsa_key_is_not_taken() -> None:
    for key in (rsa_key(0, 1024), ec.generate_private_key(ec.SECP256R1())):
        with pytest.raises(ValueError, match="RSA key"):
            read_certificate(certificate_of(key))
