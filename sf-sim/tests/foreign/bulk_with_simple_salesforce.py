"""simple-salesforce loads 5,000 odd rows into the emulated org by Bulk 2.0, by every operation, and reads them back."""

import csv
import io
import json
import os
import sys
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

from simple_salesforce import Salesforce
from simple_salesforce.bulk2 import ColumnDelimiter, LineEnding
from simple_salesforce.exceptions import SalesforceOperationError

ROWS = json.loads(Path(os.environ["SIM_ROWS"]).read_text())
FIELDS = list(ROWS[0]["told"])
sf = Salesforce(consumer_key=os.environ["SIM_CLIENT"], consumer_secret=os.environ["SIM_SECRET"], domain="emulated.my")
contacts, accounts = sf.bulk2.Contact, sf.bulk2.Account
ids = {}


def read(text, delimiter=","):
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def counted(jobs, processed, failed=0):
    told = [sum(job[name] for job in jobs) for name in ("numberRecordsTotal", "numberRecordsProcessed", "numberRecordsFailed")]
    assert told == [processed, processed, failed], told


def succeeded(jobs, kind=contacts):
    return [row for job in jobs for row in read(kind.get_successful_records(job["job_id"]))]


def failed(jobs, kind=contacts):
    return [row for job in jobs for row in read(kind.get_failed_records(job["job_id"]))]


def stored():
    """What the org holds, by the rows' keys."""
    query = f"SELECT Id, {', '.join(FIELDS)} FROM Contact"
    rows = [row for page in contacts.query(query, max_records=1_700) for row in read(page)]
    assert len(rows) == len({row["External__c"] for row in rows})
    return {row["External__c"]: row for row in rows}


def same(expected):
    """Every field of every row."""
    found = stored()
    assert found.keys() == expected.keys(), (len(found), len(expected))
    for key, told in expected.items():
        for field in FIELDS:
            ours, theirs = found[key][field], told[field]
            if field == "Amount__c" and ours and theirs:
                ours, theirs = Decimal(ours), Decimal(theirs)
            assert ours == theirs, (key, field, ours, theirs)


def told(n):
    return ROWS[n]["told"]


def insert():
    made = accounts.insert(records=[{"Name": f"Account {n}", "External__c": f"A{n}"} for n in range(7)], wait=0)
    counted(made, 7)
    jobs = contacts.insert(records=[row["sent"] for row in ROWS], batch_size=1_800, concurrency=3, wait=0)
    assert len(jobs) == 3
    counted(jobs, len(ROWS))
    rows = succeeded(jobs)
    assert all(row["sf__Created"] == "true" for row in rows)
    ids.update({row["External__c"]: row["sf__Id"] for row in rows})
    assert len(ids) == len(ROWS)
    found = stored()
    assert all(found[key]["Id"] == id for key, id in ids.items())
    same({row["told"]["External__c"]: row["told"] for row in ROWS})
    assert not failed(jobs)
    assert all(not read(contacts.get_unprocessed_records(job["job_id"])) for job in jobs)


def update():
    changes = [{"Id": id, "FirstName": "#N/A", "Email": "", "Amount__c": str(n)} for n, id in enumerate(ids.values())]
    jobs = contacts.update(records=changes, wait=0)
    counted(jobs, len(ROWS))
    assert all(row["sf__Created"] == "false" for row in succeeded(jobs))
    for n, key in enumerate(ids):
        row = ROWS[int(key[2:])]["told"]
        row.update(FirstName="", Amount__c=str(n))
    same({row["told"]["External__c"]: row["told"] for row in ROWS})


def upsert():
    old = [{"External__c": told(n)["External__c"], "LastName": f"again {n}"} for n in range(0, 5_000, 2)]
    new = [{"External__c": f"N-{n:05}", "LastName": f"new {n}"} for n in range(2_500)]
    jobs = contacts.upsert(records=old + new, external_id_field="External__c", wait=0)
    counted(jobs, 5_000)
    created = {row["External__c"]: row["sf__Created"] for row in succeeded(jobs)}
    assert created == {row["External__c"]: word for rows, word in ((old, "false"), (new, "true")) for row in rows}
    for n in range(0, 5_000, 2):
        told(n)["LastName"] = f"again {n}"
    empty = {**dict.fromkeys(FIELDS, ""), "Flag__c": "false"}
    fresh = {row["External__c"]: {**empty, **row} for row in new}
    same({row["told"]["External__c"]: row["told"] for row in ROWS} | fresh)


def refused_rows():
    bad = [{"LastName": "", "Birthdate": ""}, {"LastName": "x", "Birthdate": "31.12.1999"}, {"LastName": "fine", "Birthdate": ""}]
    jobs = contacts.insert(records=bad, wait=0)
    counted(jobs, 3, 2)
    rows = {row["LastName"]: row for row in failed(jobs)}
    assert rows[""]["sf__Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --", rows
    assert "'31.12.1999' is not a valid value for the type xsd:date:Birthdate --" in rows["x"]["sf__Error"], rows
    contacts.delete(records=[{"Id": row["sf__Id"]} for row in succeeded(jobs)], wait=0)


def failed_job():
    try:
        contacts.insert(records=[{"LastName": "x", "Nope": "y"}], wait=0)
    except SalesforceOperationError as why:
        assert "InvalidBatch : Field name not found : Nope" in str(why), why
    else:
        raise AssertionError("the job did not fail")


def delimiters_and_line_endings():
    texts = [text["told"]["Notes__c"] for text in ROWS[2:400:4]]
    for delimiter in ColumnDelimiter:
        for ending in LineEnding:
            records = [{"Name": f"{delimiter.value} {ending.value}", "Description": text} for text in texts]
            jobs = accounts.insert(records=records, column_delimiter=delimiter, line_ending=ending, wait=0)
            counted(jobs, len(texts))
    rows = [row for page in accounts.query("SELECT Id, Name, Description FROM Account WHERE Name LIKE '%LF'") for row in read(page)]
    assert len(rows) == 12 * len(texts)
    names = {row["Name"] for row in rows}
    assert all(sorted(row["Description"] for row in rows if row["Name"] == name) == sorted(texts) for name in names)
    counted(accounts.delete(records=[{"Id": row["Id"]} for row in rows], wait=0), len(rows))


def delete():
    found = stored()
    half = [{"Id": row["Id"]} for row in list(found.values())[:2_500]]
    rest = [{"Id": row["Id"]} for row in list(found.values())[2_500:]]
    counted(contacts.delete(records=half, wait=0), 2_500)
    counted(contacts.hard_delete(records=rest, wait=0), 5_000)
    assert not stored()
    again = contacts.delete(records=half, wait=0)
    counted(again, 2_500, 2_500)
    assert all(row["sf__Error"] == "ENTITY_IS_DELETED:entity is deleted:--" for row in failed(again))
    binned = [row for page in contacts.query_all("SELECT Id, IsDeleted FROM Contact") for row in read(page)]
    assert len(binned) == 2_501 and all(row["IsDeleted"] == "true" for row in binned), len(binned)


CASES = [insert, update, upsert, refused_rows, failed_job, delimiters_and_line_endings, delete]


def main():
    bad = 0
    for case in CASES:
        line = f"simple-salesforce {version('simple-salesforce')}: Bulk 2.0: {case.__name__.replace('_', ' ')}"
        try:
            case()
            print(f"ok      {line}", flush=True)
        except Exception as why:  # Whatever it is, the other cases are of interest too.
            bad += 1
            print(f"FAILED  {line}: {type(why).__name__}: {why}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
