"""Makes keys and accounts, starts an org and a TLS proxy before it, and runs the clients."""

import json
import os
import pathlib
import socket
import subprocess
import sys

from keys import made_keys
from proxy import Proxy

HERE = pathlib.Path(__file__).parent
CALLBACK = "http://localhost:1717/callback"
USER = "ada@example.com"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def accounts(certificate):
    """Three apps with policies of their own, and two users."""
    app = {"client_secret": "app-secret", "certificate": certificate, "run_as": USER}
    return {
        "apps": [
            {"client_id": "app", "approved_by": [USER], "callbacks": [CALLBACK],
             "subject_tokens": {"their-token": USER}, **app},
            {"client_id": "unapproved", **app},
            {"client_id": "public", "callbacks": [CALLBACK], "pkce_required": True},
        ],
        "users": [
            {"username": USER, "password": "p<&>ssword", "security_token": "t0ken"},
            {"username": "office@example.com", "password": "pw", "security_token": "t0ken",
             "trusted_ips": ["127.0.0.1"]},
        ],
    }


def node_of(work):
    node = next((work / "js/node_modules").glob("node-linux-*/bin/node"), None)
    if node is None:
        sys.exit("npm brought no Node for this machine: package.json names those for Linux on x64 and arm64")
    return node


def main(binary, work):
    node = node_of(work)
    keys = made_keys(work)
    file = work / "accounts.json"
    file.write_text(json.dumps(accounts(keys["jwt_certificate"].read_text())))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [binary, "serve", "--json", "--port", str(port), "--apps", str(file), "--login-url", url,
               "--generate", "Account=3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as org:
        try:
            told = json.loads(org.stdout.readline())
            proxy = Proxy(port, keys["tls"]).start()
            clean = {k: v for k, v in os.environ.items() if k.lower() not in ("http_proxy", "all_proxy")}
            # How an application behind a company's proxy is set up: nothing of the client is touched.
            proxied = {"HTTPS_PROXY": proxy.url, "https_proxy": proxy.url, "NO_PROXY": "", "no_proxy": "",
                       "REQUESTS_CA_BUNDLE": str(keys["ca"])}
            common = {"SIM_URL": url, "SIM_ORG": told["org_id"], "SIM_KEY": str(keys["jwt_key"]),
                      "SIM_CALLBACK": CALLBACK, "NODE_PATH": str(work / "js/node_modules")}
            failed = [
                subprocess.run(client, env={**clean, **common, **more}, cwd=HERE, timeout=120).returncode
                for client, more in (
                    ([sys.executable, "with_simple_salesforce.py"], proxied),
                    ([str(node), "with_jsforce.cjs"], {}),
                )
            ]
        finally:
            org.terminate()
    return 1 if any(failed) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2])))
