"""Where measurements take place: in a network namespace of their own, with a certificate that is trusted
like the system's authorities, on text of one kind."""

import os
import subprocess
import sys

import link

SYSTEM_TRUST = "/etc/ssl/certs/ca-certificates.crt"
LINE = "The quick brown fox jumps over the lazy dog, and the dog does not even bark.\n"


def enter_namespace():
    """Starts over in a network namespace, where a link can be built and nothing leaves."""
    if os.environ.get("ONEHOP_BENCH_NAMESPACE"):
        link.loopback_up()
        return
    unshare = ["unshare", "-nm"] if os.geteuid() == 0 else ["unshare", "-Urnm"]
    try:
        possible = subprocess.run(unshare + ["true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        possible = False
    if possible:
        os.environ["ONEHOP_BENCH_NAMESPACE"] = "1"
        os.execvp("unshare", unshare + [sys.executable] + sys.argv)


def make_trust(directory, missing):
    """A key, a certificate that signs itself, and a file of all the CAs that a system trusts and
    that one: loading them is work that every program has to do."""

    def path(name):
        return os.path.join(directory, name)

    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        + ["-nodes", "-days", "2", "-subj", "/CN=sink.example"]
        + ["-addext", f"subjectAltName=IP:127.0.0.1,IP:{link.PEER}"]
        + ["-keyout", path("key.pem"), "-out", path("certificate.pem")],
        check=True,
        capture_output=True,
    )
    with open(path("trust.pem"), "w") as trust:
        for name in (path("certificate.pem"), SYSTEM_TRUST):
            try:
                trust.write(open(name).read())
            except FileNotFoundError:
                missing.append(f"{name}: no system trust; only the test's is loaded")
    return path("trust.pem")
