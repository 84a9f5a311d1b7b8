"""Starts an org with the e-bikes project and runs the clients' scripts for rows, queries and describes."""

import datetime
import json
import os
import pathlib
import subprocess
import sys

from drive import free_port, node_of
from keys import made_keys
from proxy import Proxy

HERE = pathlib.Path(__file__).parent.resolve()
PROJECT = HERE.parents[3] / "shared/orgs/ebikes"
LEADS = 4500


def main(binary, work):
    if not PROJECT.is_dir():
        line = f"skipped: ../shared is absent: rows of {PROJECT.name} with other people's clients"
        print(line, file=sys.stderr)
        return 1 if "shared" in os.environ.get("SF_TESTS_REQUIRE", "") else 0
    node = node_of(work)
    keys = made_keys(work)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [binary, "serve", "--json", "--port", str(port), "--login-url", url, "--sfdx", str(PROJECT),
               "--generate", f"Lead={LEADS}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as org:
        try:
            told = json.loads(org.stdout.readline())
            proxy = Proxy(port, keys["tls"]).start()
            clean = {k: v for k, v in os.environ.items() if k.lower() not in ("http_proxy", "all_proxy")}
            proxied = {"HTTPS_PROXY": proxy.url, "https_proxy": proxy.url, "NO_PROXY": "", "no_proxy": "",
                       "REQUESTS_CA_BUNDLE": str(keys["ca"])}
            common = {
                "SIM_URL": url, "SIM_TOLD": json.dumps(told), "SIM_PROJECT": str(PROJECT), "SIM_LEADS": str(LEADS),
                "SIM_STARTED": datetime.datetime.now(datetime.timezone.utc).isoformat(),
                "NODE_PATH": str(work / "js/node_modules"),
            }
            failed = [
                subprocess.run(client, env={**clean, **common, **more}, cwd=HERE, timeout=300).returncode
                for client, more in (
                    ([sys.executable, "rows_simple_salesforce.py"], proxied),
                    ([str(node), "rows_jsforce.cjs"], {}),
                )
            ]
        finally:
            org.terminate()
    return 1 if any(failed) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2])))
