"""Logs alice in once per line of its input, as the documentation of PyPI `Authlib` does it for a script, and answers each
with `accepted` or what was wrong: python authlib_login.py ISSUER"""

import os
import sys

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, JsonWebToken
from authlib.oidc.core import CodeIDToken, UserInfo

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # everything is on this machine
ISSUER = sys.argv[1]
CALLBACK = "http://localhost:1/callback"  # never visited: redirects are read, not followed


def read(url):
    answer = requests.get(url, timeout=5)
    answer.raise_for_status()
    return answer.json()


def login():
    metadata = read(f"{ISSUER}/.well-known/openid-configuration")
    verifier, nonce = os.urandom(32).hex(), os.urandom(16).hex()
    session = OAuth2Session(
        "web", redirect_uri=CALLBACK, scope="openid orders:read", code_challenge_method="S256", token_endpoint_auth_method="none"
    )
    more = {"code_verifier": verifier, "nonce": nonce, "max_age": 3600, "prompt": "none", "login_hint": "alice"}
    url, state = session.create_authorization_url(metadata["authorization_endpoint"], **more)
    location = requests.get(url, allow_redirects=False, timeout=5).headers["location"]
    token = session.fetch_token(
        metadata["token_endpoint"], authorization_response=location, state=state, code_verifier=verifier
    )
    claims = JsonWebToken(["ES256"]).decode(
        token["id_token"],
        JsonWebKey.import_key_set(read(metadata["jwks_uri"])),
        claims_cls=CodeIDToken,
        claims_options={"iss": {"values": [metadata["issuer"]]}, "aud": {"values": ["web"]}},
        claims_params={"nonce": nonce, "client_id": "web", "access_token": token["access_token"], "max_age": 3600},
    )
    claims.validate()
    UserInfo(session.get(metadata["userinfo_endpoint"]).json())


for _ in sys.stdin:
    try:
        login()
        print("accepted", flush=True)
    except Exception as error:  # noqa: BLE001: whatever it raises, it noticed
        print("noticed", type(error).__name__, str(error).replace("\n", " "), flush=True)
