"""A cluster by TLS, as Dask does it: its own settings, and certificates that openssl makes."""

import shutil
import subprocess

import dask
import pytest

from redl.errors import OptionError
from redl.fleet.cluster import Cluster as Joined
from tests.helpers.cluster import Cluster

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="there is no openssl to make a certificate"
)


def make_certificate(pem, key):
    """Make a certificate that signs itself."""
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=redl"]
    command = [shutil.which("openssl"), *words, "-keyout", key, "-out", pem]
    subprocess.run(command, check=True, capture_output=True)


def settings_with(pem, key):
    """Return Dask's settings of TLS with one certificate for all."""
    tls, roles = "distributed.comm.tls", ("scheduler", "worker", "client")
    certificates = {f"{tls}.{role}.cert": str(pem) for role in roles}
    return {f"{tls}.ca-file": str(pem), **certificates, **{f"{tls}.{role}.key": str(key) for role in roles}}


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """Let Dask use a certificate for all that a test starts, and in this process."""
    pem, key = tmp_path / "redl.pem", tmp_path / "key.pem"
    make_certificate(pem, key)
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TLS__CA_FILE", str(pem))
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        monkeypatch.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{role}__CERT", str(pem))
        monkeypatch.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{role}__KEY", str(key))
    with dask.config.set(settings_with(pem, key)):
        yield pem


@pytest.mark.slow
def test_a_run_by_tls_is_as_any(slow_cases, certificate, tmp_path):
    cases = slow_cases(seeds="1-2")
    cluster = Cluster(tmp_path, protocol="tls")
    try:
        assert cluster.address.startswith("tls://")
        status, printed = cases.run(f"--redl-dask={cluster.address}", "--redl-share")
    finally:
        cluster.close()
    assert 0 == status, printed
    assert {"dask"} == {record.placement.engine for record in cases.records.values()}


ADDRESS = "tls://127.0.0.1:9"


def test_without_a_certificate_a_run_is_refused():
    with pytest.raises(OptionError, match=f"--redl-dask {ADDRESS}: no certificate; name the files by DASK_"):
        Joined(ADDRESS, share=False)


def test_a_certificate_that_is_none_is_refused(certificate):
    certificate.write_text("none")
    with pytest.raises(OptionError, match=f"--redl-dask {ADDRESS}: its certificate cannot be used"):
        Joined(ADDRESS, share=False)


@pytest.mark.slow
def test_another_certificate_than_the_schedulers_is_refused(certificate, tmp_path):
    cluster = Cluster(tmp_path, protocol="tls", workers=None)
    make_certificate(tmp_path / "other.pem", tmp_path / "other-key.pem")
    try:
        other = settings_with(tmp_path / "other.pem", tmp_path / "other-key.pem")
        with (
            dask.config.set(other),
            pytest.raises(OptionError, match="no scheduler answers"),
        ):
            Joined(cluster.address, share=False)
    finally:
        cluster.close()
