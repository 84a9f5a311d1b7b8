"""A key for JWT assertions, and a CA with a certificate for Salesforce's hosts; good for a day."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


def _pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _signed(name, key, issuer=None, hosts=()):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_name, issuer_key = issuer or (subject, key)
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if issuer is None:
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "encipher_only", "decipher_only"), False)
        builder = builder.add_extension(
            x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **usage), critical=True)
    if hosts:
        names = [x509.DNSName(host) for host in hosts]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return subject, builder.sign(issuer_key, hashes.SHA256())


def made_keys(folder):
    def new():
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def write(name, *parts):
        path = folder / name
        path.touch(mode=0o600)
        path.write_bytes(b"".join(parts))
        return path

    def public(certificate):
        return certificate.public_bytes(serialization.Encoding.PEM)

    ca_key, tls_key, jwt_key = new(), new(), new()
    ca_name, ca = _signed("sf-sim tests", ca_key)
    hosts = ("*.salesforce.com", "*.my.salesforce.com")
    _, tls = _signed("salesforce.com", tls_key, (ca_name, ca_key), hosts)
    _, jwt = _signed("jwt", jwt_key)
    return {
        "ca": write("ca.pem", public(ca)),
        "tls": write("tls.pem", _pem(tls_key), public(tls)),
        "jwt_key": write("jwt.key.pem", _pem(jwt_key)),
        "jwt_certificate": write("jwt.cert.pem", public(jwt)),
    }
