"""The flows of `mock-idp` through PyPI `Authlib`: python authlib_client.py PROGRAM PORT. See `run`."""

import json
import os
import subprocess
import sys
import time

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, JsonWebToken
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from joserfc.jwk import ECKey

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # everything is on this machine
PROGRAM, PORT = sys.argv[1:3]
ISSUER = f"http://localhost:{PORT}"
CALLBACK = "http://localhost:1/callback"  # never visited: redirects are read, not followed
CONTROL = {"authorization": "Bearer control-token-of-the-test"}
ALGORITHMS = ["ES256", "RS256", "PS256", "EdDSA"]
SECRET = "a-secret-of-thirty-two-characters"

key = ECKey.generate_key("P-256", {"kid": "ec", "alg": "ES256", "use": "sig"}, private=True)
public = key.as_dict(private=False)


def registered(algorithm):
    return {
        "redirect_uris": [CALLBACK],
        "grants": ["authorization_code", "refresh_token"],
        "scopes": ["orders:read"],
        "id_token_signed_response_alg": algorithm,
    }


CONFIG = {
    "issuer": ISSUER,
    "control_token": "control-token-of-the-test",
    "personas": {"alice": {"tenant": "acme", "roles": ["customer"]}},
    "clients": {
        **{algorithm: registered(algorithm) for algorithm in ALGORITHMS},
        "backend": {"secret": SECRET, "grants": ["client_credentials"], "scopes": ["orders:read"]},
        "hashing": {"secret": SECRET, "grants": ["client_credentials"], "auth_method": "client_secret_jwt"},
        "signing": {"jwks": {"keys": [public]}, "grants": ["client_credentials"], "auth_method": "private_key_jwt"},
    },
}


def metadata():
    return requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=5).json()


def login(algorithm):
    """A login of alice without a page, with the ID token checked as the library checks it."""
    verifier, nonce = os.urandom(32).hex(), os.urandom(16).hex()
    session = OAuth2Session(
        algorithm, redirect_uri=CALLBACK, scope="openid orders:read", code_challenge_method="S256", token_endpoint_auth_method="none"
    )
    more = {"code_verifier": verifier, "nonce": nonce, "prompt": "none", "login_hint": "alice"}
    url, state = session.create_authorization_url(metadata()["authorization_endpoint"], **more)
    location = requests.get(url, allow_redirects=False, timeout=5).headers["location"]
    token = session.fetch_token(
        metadata()["token_endpoint"], authorization_response=location, state=state, code_verifier=verifier
    )
    return session, token, claims(token, algorithm, nonce)


def claims(token, algorithm, nonce):
    keys = JsonWebKey.import_key_set(requests.get(metadata()["jwks_uri"], timeout=5).json())
    options = {"iss": {"values": [ISSUER]}, "aud": {"values": [algorithm]}}
    parameters = {"nonce": nonce, "client_id": algorithm, "access_token": token["access_token"]}
    decoder = JsonWebToken([algorithm])
    read = decoder.decode(token["id_token"], keys, claims_cls=CodeIDToken, claims_options=options, claims_params=parameters)
    read.validate()
    return read


def each_algorithm():
    for algorithm in ALGORITHMS:
        assert login(algorithm)[2]["sub"] == "alice"


def refresh():
    session, token, _ = login("ES256")
    fresh = session.refresh_token(metadata()["token_endpoint"], refresh_token=token["refresh_token"])
    assert fresh["refresh_token"] != token["refresh_token"]


def userinfo():
    session, _, read = login("RS256")
    assert session.get(metadata()["userinfo_endpoint"]).json()["sub"] == read["sub"]


def credentials(client, secret, method):
    session = OAuth2Session(client, secret, token_endpoint_auth_method=method)
    return session.fetch_token(metadata()["token_endpoint"], grant_type="client_credentials")


def sent_secrets():
    for method in ["client_secret_basic", "client_secret_post"]:
        credentials("backend", SECRET, method)


def assertions():
    endpoint = metadata()["token_endpoint"]
    credentials("hashing", SECRET, ClientSecretJWT(endpoint))
    credentials("signing", key, PrivateKeyJWT(endpoint, headers={"kid": "ec"}, alg="ES256"))


def introspection_and_revocation():
    session, token, _ = login("ES256")
    api = OAuth2Session("backend", SECRET, token_endpoint_auth_method="client_secret_basic")
    look = lambda: api.introspect_token(metadata()["introspection_endpoint"], token["access_token"]).json()
    assert look()["active"] is True
    session.revoke_token(metadata()["revocation_endpoint"], token["refresh_token"])
    assert look() == {"active": False}


def refused(name):
    """Orders a fault; the library must refuse the login, and take the next one."""

    def flow():
        order = {"name": name, "client_id": "ES256", "times": 1}
        requests.post(f"{ISSUER}/control/v1/faults", json=order, headers=CONTROL, timeout=5).raise_for_status()
        try:
            login("ES256")
        except Exception:  # noqa: BLE001: whatever it raises, it noticed
            pass
        else:
            raise AssertionError("the client noticed nothing")
        login("ES256")

    return flow


FLOWS = {
    "an ID token under each algorithm, verified with the published keys": each_algorithm,
    "refresh": refresh,
    "UserInfo": userinfo,
    "client credentials, secret in header and body": sent_secrets,
    "client credentials, client_secret_jwt and private_key_jwt": assertions,
    "introspection and revocation": introspection_and_revocation,
    **{
        f"noticed: {name}": refused(name)
        for name in ["invalid-iss", "invalid-aud", "expired", "invalid-nonce", "missing-nonce", "invalid-at-hash"]
        + ["invalid-sig", "invalid-sig-other-key", "unknown-kid", "idtoken-sig-none", "idtoken-sig-hs256-public-key"]
        + ["idtoken-sig-other-alg", "invalid-state", "missing-exp"]
    },
}


def main():
    with open("config.json", "w", encoding="utf-8") as file:
        json.dump(CONFIG, file)
    command = [PROGRAM, "--config", "config.json", "--listen", f"127.0.0.1:{PORT}"]
    provider = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    failed = 0
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                requests.get(f"{ISSUER}/health", timeout=1).raise_for_status()
                break
            except requests.RequestException:
                assert time.monotonic() < deadline, "the provider does not start"
                time.sleep(0.05)
        for name, flow in FLOWS.items():
            try:
                flow()
                print(f"ok      {name}")
            except Exception as error:  # noqa: BLE001: each flow is told, whatever went wrong
                failed += 1
                print(f"FAILED  {name}: {type(error).__name__} {error}")
    finally:
        provider.terminate()
        provider.wait()
    print(f"{len(FLOWS) - failed} of {len(FLOWS)} flows of Authlib")
    sys.exit(1 if failed else 0)


main()
