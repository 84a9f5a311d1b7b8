"""Starts an org and a TLS proxy before it, and runs the clients' Bulk 2.0 loads: each against an org of its own."""

import json
import os
import pathlib
import subprocess
import sys

from bulk_rows import write_project, write_rows
from drive import node_of
from keys import made_keys
from proxy import Proxy

HERE = pathlib.Path(__file__).parent


def run(binary, work, keys, client):
    command = [binary, "serve", "--json", "--sfdx", str(work / "bulk-project"), "--limit", "DailyApiRequests=1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as org:
        try:
            told = json.loads(org.stdout.readline())
            port = int(told["url"].rsplit(":", 1)[1])
            proxy = Proxy(port, keys["tls"]).start()
            clean = {k: v for k, v in os.environ.items() if k.lower() not in ("http_proxy", "all_proxy")}
            more = {"SIM_URL": told["url"], "SIM_CLIENT": told["client_id"], "SIM_SECRET": told["client_secret"],
                    "SIM_ROWS": str(work / "bulk-rows.json"), "NODE_PATH": str(work / "js/node_modules")}
            if client[0] == sys.executable:
                more |= {"HTTPS_PROXY": proxy.url, "https_proxy": proxy.url, "NO_PROXY": "", "no_proxy": "",
                         "REQUESTS_CA_BUNDLE": str(keys["ca"])}
            return subprocess.run(client, env={**clean, **more}, cwd=HERE, timeout=300).returncode
        finally:
            org.terminate()


def main(binary, work):
    keys = made_keys(work)
    write_project(work / "bulk-project")
    write_rows(work / "bulk-rows.json")
    clients = ([sys.executable, "bulk_with_simple_salesforce.py"],
               [str(node_of(work)), "bulk_with_jsforce.cjs"])
    failed = [run(binary, work, keys, client) for client in clients]
    return 1 if any(failed) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2])))
