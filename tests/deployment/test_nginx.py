"""Both Nginx configurations are accepted by a real Nginx, and treat sockets as they must be."""

import datetime
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.deployment.files import ROOT, text

OWN = "deploy/nginx/pneumatic.conf"
PLATFORM = ".platform/nginx/nginx.conf"
PLATFORM_SOCKETS = ".platform/nginx/conf.d/elasticbeanstalk/10_websocket.conf"
# What the platform writes beside ours, in essence.
PLATFORM_LOCATION = "location / { proxy_pass http://127.0.0.1:8000; }\n"


def nginx() -> str:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs nginx")
        pytest.skip("needs nginx (none was found)")
    return program


def write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "chat.example.org")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def assert_accepted(configuration: str, folder: Path) -> None:
    """Ask Nginx itself, with everything that it would touch inside `folder`."""
    file = folder / "nginx.conf"
    moved = configuration.replace("/var/log/nginx", str(folder)).replace("/var/run", str(folder))
    # Ports that anyone may bind, and an account that exists here.
    moved = re.sub(r"^user .*$", "", moved, flags=re.MULTILINE)
    moved = re.sub(r"listen (\[::\]:)?(80|443)", r"listen \g<1>1\2", moved)
    moved = moved.replace("listen 180", "listen 18080").replace("listen 1443", "listen 18443")
    moved = moved.replace("]:180", "]:18080").replace("]:1443", "]:18443")
    file.write_text(moved)
    done = subprocess.run(
        [nginx(), "-t", "-e", folder / "error.log", "-p", folder, "-c", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr, done.stderr


def test_nginx_accepts_the_configuration_for_a_machine_of_ones_own(tmp_path: Path) -> None:
    write_certificate(tmp_path)
    ours = text(OWN).replace("/etc/letsencrypt/live/chat.example.org", str(tmp_path))
    frame = f"pid {tmp_path}/pid;\nevents {{ worker_connections 1024; }}\nhttp {{\n{ours}\n}}\n"
    assert_accepted(frame, tmp_path)


def test_nginx_accepts_the_configuration_for_elastic_beanstalk(tmp_path: Path) -> None:
    added = tmp_path / "conf.d/elasticbeanstalk"
    shutil.copytree(ROOT / PLATFORM_SOCKETS.rsplit("/", 1)[0], added)
    (added / "00_application.conf").write_text(PLATFORM_LOCATION)
    assert_accepted(text(PLATFORM), tmp_path)


@pytest.mark.parametrize("path", [OWN, PLATFORM_SOCKETS])
def test_a_quiet_socket_is_not_cut(path: str) -> None:
    location = text(path).partition("location /ws/ {")[2].partition("}")[0]
    assert "proxy_read_timeout 3600s;" in location
    assert "proxy_send_timeout 3600s;" in location
    assert "proxy_buffering off;" in location


@pytest.mark.parametrize("path", [OWN, PLATFORM])
def test_slow_senders_and_query_strings_in_logs_are_not_suffered(path: str) -> None:
    for directive in ("client_header_timeout", "client_body_timeout", "client_max_body_size"):
        assert f"{directive} " in text(path)
    log_format = text(path).partition("log_format")[2].partition(";")[0]
    assert "$uri" in log_format
    assert not re.search(r"\$(request|request_uri|args|query_string|http_referer)\b", log_format)


def test_what_a_client_claims_about_its_address_ends_at_our_proxy() -> None:
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in text(OWN)
    assert "$proxy_add_x_forwarded_for" not in text(OWN)


def test_ten_thousand_sockets_fit() -> None:
    connections = re.search(r"worker_connections (\d+);", text(PLATFORM))
    assert connections is not None
    assert int(connections[1]) >= 16384
