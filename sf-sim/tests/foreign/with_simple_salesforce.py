"""simple-salesforce against the emulated org, by every login that it has."""

import os
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

from simple_salesforce import Salesforce, SalesforceAuthenticationFailed, SalesforceLogin

USER, PASSWORD, TOKEN = "ada@example.com", "p<&>ssword", "t0ken"
ORG, KEY = os.environ["SIM_ORG"], os.environ["SIM_KEY"]
APP = {"consumer_key": "app", "consumer_secret": "app-secret"}
HOME = {"domain": "emulated.my"}


def reads(sf):
    """The session is worth something."""
    found = sf.query("SELECT Id, Name FROM Account ORDER BY Name")
    assert found["totalSize"] == 3, found


def session_id():
    sf = Salesforce(username=USER, password=PASSWORD, security_token=TOKEN)
    reads(Salesforce(session_id=sf.session_id, instance_url=f"https://{sf.sf_instance}"))


def ip_filter_without_org():
    session, instance = SalesforceLogin(username="office@example.com", password="pw")
    reads(Salesforce(session_id=session, instance=instance))


def refused(code, words, **arguments):
    def case():
        try:
            Salesforce(**arguments)
        except SalesforceAuthenticationFailed as why:
            assert (why.code, words in str(why)) == (code, True), (why.code, str(why))
        else:
            raise AssertionError("it logged in")
    return case


def logs_in(**arguments):
    return lambda: reads(Salesforce(**arguments))


CASES = {
    "SOAP: password and security token": logs_in(username=USER, password=PASSWORD, security_token=TOKEN),
    "SOAP: on My Domain": logs_in(username=USER, password=PASSWORD, security_token=TOKEN, **HOME),
    "SOAP: organization id, from a trusted address": logs_in(
        username="office@example.com", password="pw", organizationId=ORG),
    "SOAP: password alone, from a trusted address": ip_filter_without_org,
    "username-password grant": logs_in(username=USER, password=PASSWORD + TOKEN, **APP),
    "JWT bearer: key in a file": logs_in(username=USER, consumer_key="app", privatekey_file=KEY),
    "JWT bearer: key as text, on My Domain": logs_in(
        username=USER, consumer_key="app", privatekey=Path(KEY).read_text(), **HOME),
    "client credentials": logs_in(**APP, **HOME),
    "session id": session_id,
    "refused: SOAP, wrong password": refused(
        "INVALID_LOGIN", "or user locked out", username=USER, password="wrong", security_token=TOKEN),
    "refused: SOAP from version 65.0 on": refused(
        "UNSUPPORTED_API_VERSION", "65.0", username=USER, password=PASSWORD, security_token=TOKEN, version="65.0"),
    "refused: username-password, wrong password": refused(
        "invalid_grant", "authentication failure", username=USER, password="wrong", **APP),
    "refused: JWT bearer, not approved": refused(
        "invalid_grant", "user hasn't approved this consumer",
        username=USER, consumer_key="unapproved", privatekey_file=KEY),
    "refused: client credentials, wrong secret": refused(
        "invalid_client", "invalid client credentials", consumer_key="app", consumer_secret="wrong", **HOME),
}


def main():
    # It explains a refusal at length, which is one of the cases.
    warnings.simplefilter("ignore")
    failed = 0
    for name, case in CASES.items():
        line = f"simple-salesforce {version('simple-salesforce')}: {name}"
        try:
            case()
            print(f"ok      {line}", flush=True)
        except Exception as why:  # Whatever it is, the other cases are of interest too.
            failed += 1
            print(f"FAILED  {line}: {type(why).__name__}: {why}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
