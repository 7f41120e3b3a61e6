"""Writes jwt.json and jwks.json beside this file: tokens made with PyJWT, an independent implementation, and what is to come of each.

    pip install pyjwt cryptography && python make_jwt.py

Keys are made anew each time, and thrown away. The tests' clock stands at NOW.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

NOW = 1_790_000_000
ISSUER = "https://id.example.com/realms/shop"

keys = {
    "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "rsa-pss": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "ed": ed25519.Ed25519PrivateKey.generate(),
    "weak": rsa.generate_private_key(public_exponent=65537, key_size=1024),
    "encryption": rsa.generate_private_key(public_exponent=65537, key_size=2048),
}
stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def claims(**changes):
    made = {
        "iss": ISSUER,
        "aud": "audit-log",
        "sub": "alice@example.com",
        "iat": NOW - 10,
        "exp": NOW + 300,
        "realm_access": {"roles": ["audit-writer", "offline_access"]},
    }
    made.update(changes)
    return {name: value for name, value in made.items() if value is not None}


def token(payload=None, algorithm="RS256", key=None, kid="rsa", **header):
    header = {"kid": kid, **header} if kid else header
    return jwt.encode(payload or claims(), key or keys[kid or "rsa"], algorithm=algorithm, headers=header)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(header, payload, sign):
    """A token that no library would make."""
    text = header if isinstance(header, str) else json.dumps(header)
    body = payload if isinstance(payload, str) else json.dumps(payload)
    signed = f"{b64(text.encode())}.{b64(body.encode())}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def rs256(message, key=None):
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return (key or keys["rsa"]).sign(message, padding.PKCS1v15(), hashes.SHA256())


public = keys["rsa"].public_key()
pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
modulus = public.public_numbers().n.to_bytes(256, "big")


def hs256(secret):
    return lambda message: hmac.new(secret, message, hashlib.sha256).digest()


OK = "ok"
header = {"alg": "RS256", "kid": "rsa", "typ": "JWT"}
cases = [
    ("RS256", token(), OK),
    ("RS384", token(algorithm="RS384"), OK),
    ("RS512", token(algorithm="RS512"), OK),
    ("PS256", token(algorithm="PS256", kid="rsa-pss"), OK),
    ("PS384", token(algorithm="PS384"), OK),
    ("PS512", token(algorithm="PS512"), OK),
    ("ES256", token(algorithm="ES256", kid="p256"), OK),
    ("ES384", token(algorithm="ES384", kid="p384"), OK),
    ("EdDSA", token(algorithm="EdDSA", kid="ed"), OK),
    ("no kid, one key of its kind", token(algorithm="ES256", key=keys["p256"], kid=None), OK),
    ("several audiences", token(claims(aud=["other", "audit-log"])), OK),
    ("type at+jwt (RFC 9068)", token(typ="at+jwt"), OK),
    ("times with fractions", token(claims(exp=NOW + 0.5, iat=NOW - 0.5)), OK),
    ("expired within the leeway", token(claims(exp=NOW - 59)), OK),
    ("not yet valid within the leeway", token(claims(nbf=NOW + 59)), OK),
    ("alg none, unsigned (RFC 8725 2.1)", jwt.encode(claims(), None, algorithm="none", headers={"kid": "rsa"}), "algorithm"),
    ("alg none, other cases", by_hand({"alg": "nOnE", "kid": "rsa"}, claims(), lambda _: b""), "algorithm"),
    ("alg none, signed all the same", by_hand({"alg": "none", "kid": "rsa"}, claims(), rs256), "algorithm"),
    ("no alg", by_hand({"kid": "rsa"}, claims(), rs256), "algorithm"),
    ("alg that is no text", by_hand({"alg": ["RS256"], "kid": "rsa"}, claims(), rs256), "algorithm"),
    ("HS256 with the public key's PEM (RFC 8725 2.1)", by_hand({"alg": "HS256", "kid": "rsa"}, claims(), hs256(pem)), "algorithm"),
    ("HS256 with the public key's DER", by_hand({"alg": "HS256", "kid": "rsa"}, claims(), hs256(der)), "algorithm"),
    ("HS256 with the modulus", by_hand({"alg": "HS256", "kid": "rsa"}, claims(), hs256(modulus)), "algorithm"),
    ("HS256 with a key of the set (oct)", by_hand({"alg": "HS256", "kid": "oct"}, claims(), hs256(b"k" * 32)), "algorithm"),
    ("RS256 said, HS256 done", by_hand(header, claims(), hs256(pem)), "bad_signature"),
    ("ES256 said of a key of RSA", by_hand({**header, "alg": "ES256"}, claims(), rs256), "unknown_key"),
    ("PS256 said, RS256 done", by_hand({**header, "alg": "PS256"}, claims(), rs256), "bad_signature"),
    ("RS256 with a key for PS256 only", token(kid="rsa-pss"), "unknown_key"),
    ("a signature of zeros (CVE-2022-21449)", by_hand({"alg": "ES256", "kid": "p256"}, claims(), lambda _: bytes(64)), "bad_signature"),
    ("no signature", by_hand(header, claims(), lambda _: b""), "bad_signature"),
    ("another's key", token(key=stranger), "bad_signature"),
    ("another's key in the header (RFC 8725 3.10)", token(key=stranger, jwk=json.loads(RSAAlgorithm.to_jwk(stranger.public_key()))), "bad_signature"),
    ("keys from elsewhere (RFC 8725 3.10)", token(key=stranger, jku="https://evil.example.com/jwks.json", x5u="https://evil.example.com/"), "bad_signature"),
    ("a key that is not known", token(key=stranger, kid="new"), "unknown_key"),
    ("a key that is too short", token(kid="weak"), "bad_signature"),
    ("a key for encryption", token(kid="encryption"), "unknown_key"),
    ("no kid, several keys", token(kid=None), "unknown_key"),
    ("kid that is no text", by_hand({**header, "kid": 1}, claims(), rs256), "malformed_token"),
    ("critical header (RFC 7515 4.1.11)", by_hand({**header, "crit": ["b64"], "b64": True}, claims(), rs256), "critical_header"),
    ("critical header that is empty", by_hand({**header, "crit": []}, claims(), rs256), "critical_header"),
    ("another type (RFC 8725 3.11)", token(typ="logout+jwt"), "wrong_type"),
    ("another issuer", token(claims(iss="https://id.example.com/realms/other")), "unknown_issuer"),
    ("the issuer with a slash more", token(claims(iss=ISSUER + "/")), "unknown_issuer"),
    ("no issuer", token(claims(iss=None)), "unknown_issuer"),
    ("another audience (RFC 8725 3.9)", token(claims(aud="payments")), "wrong_audience"),
    ("other audiences", token(claims(aud=["payments", "audit-log2"])), "wrong_audience"),
    ("no audience", token(claims(aud=None)), "wrong_audience"),
    ("expired", token(claims(exp=NOW - 61)), "expired"),
    ("expires as the leeway ends", token(claims(exp=NOW - 60)), "expired"),
    ("not yet valid", token(claims(nbf=NOW + 61)), "not_yet_valid"),
    ("issued in the future", token(claims(iat=NOW + 61)), "not_yet_valid"),
    ("no expiry", token(claims(exp=None)), "no_expiry"),
    ("expiry that is a text", by_hand(header, claims(exp=str(NOW + 300)), rs256), "malformed_token"),
    ("expiry beyond all time", by_hand(header, claims(exp=1e300), rs256), "malformed_token"),
    ("no subject", token(claims(sub=None)), "no_subject"),
    ("an empty subject", token(claims(sub="")), "no_subject"),
    ("a subject with a line break", token(claims(sub="alice\nadmin")), "no_subject"),
    ("a subject without end", token(claims(sub="a" * 257)), "no_subject"),
    ("a claim twice", by_hand(header, json.dumps(claims())[:-1] + ', "sub": "admin"}', rs256), "malformed_token"),
    ("alg twice", by_hand('{"alg": "none", "alg": "RS256", "kid": "rsa"}', claims(), rs256), "malformed_token"),
    ("claims that are no object", by_hand(header, "[]", rs256), "malformed_token"),
    ("encrypted (five parts)", "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d", "malformed_token"),
    ("padding", token() + "=", "malformed_token"),
    ("nothing in it", "..", "malformed_token"),
]

jwks = []
for kid, key in keys.items():
    algorithm = {"p256": ECAlgorithm, "p384": ECAlgorithm, "ed": OKPAlgorithm}.get(kid, RSAAlgorithm)
    made = json.loads(algorithm.to_jwk(key.public_key()))
    made.pop("key_ops", None)
    jwks.append({**made, "kid": kid, "use": "enc" if kid == "encryption" else "sig"})
    if kid == "rsa-pss":
        jwks[-1]["alg"] = "PS256"
jwks.append({"kty": "oct", "kid": "oct", "k": b64(b"k" * 32), "alg": "HS256"})
jwks.append({"kty": "EC", "kid": "strange", "crv": "P-521", "x": "AA", "y": "AA"})

here = Path(__file__).parent
(here / "jwks.json").write_text(json.dumps({"keys": jwks}, indent=1) + "\n")
content = {"now": NOW, "issuer": ISSUER, "cases": [{"name": n, "token": t, "expect": e} for n, t, e in cases]}
(here / "jwt.json").write_text(json.dumps(content, indent=1) + "\n")
