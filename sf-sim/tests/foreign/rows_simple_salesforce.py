"""simple-salesforce against the emulated e-bikes org: rows, queries, describes; each value compared."""

import base64
import datetime
import json
import os
import pathlib
import sys
import tempfile
from importlib.metadata import version

from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceMalformedRequest, SalesforceMoreThanOneRecord, SalesforceResourceNotFound)

TOLD = json.loads(os.environ["SIM_TOLD"])
PROJECT = pathlib.Path(os.environ["SIM_PROJECT"])
LEADS = int(os.environ["SIM_LEADS"])
sf = Salesforce(username=TOLD["username"], password=TOLD["password"], security_token=TOLD["security_token"])


def same(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


def fields(row, names):
    return {name: row[name] for name in names}


def refused(error, words, call):
    try:
        call()
    except error as why:
        assert words in str(why.content), (words, why.content)
    else:
        raise AssertionError("it was not refused")


def project_records():
    """Every record of the project stands in the org with every value that its file gives."""
    for file, name in (("Accounts", "Account"), ("Product_Family__cs", "Product_Family__c"), ("Product__cs", "Product__c")):
        records = json.loads((PROJECT / f"data/{file}.json").read_text())["records"]
        for record in records:
            plain = {k: v for k, v in record.items() if k != "attributes" and not str(v).startswith("@")}
            soql = f"SELECT {', '.join(plain)} FROM {name} WHERE Name = '{record['Name']}'"
            found = sf.query(soql)
            same(found["totalSize"], 1)
            for field, value in plain.items():
                ours = found["records"][0][field]
                same(float(ours) if isinstance(value, (int, float)) and not isinstance(value, bool) else ours, value)


def crud():
    row = {"Name": "Räder & Söhne", "NumberOfEmployees": 12, "AnnualRevenue": 1200000, "Phone": "030 1", "Fax": None,
           "Description": "line one\nline two \"quoted\" \\ back", "BillingCity": "København"}
    made = sf.Account.create(row)
    same((made["success"], made["errors"], len(made["id"])), (True, [], 18))
    read = sf.Account.get(made["id"])
    same(fields(read, row), row)
    same(read["attributes"]["type"], "Account")
    same(read["BillingAddress"]["city"], "København")
    same((read["IsDeleted"], read["OwnerId"], read["CreatedById"]), (False, TOLD["user_id"], TOLD["user_id"]))
    same(sf.Account.update(made["id"], {"Phone": None, "Name": "Räder"}), 204)
    same(fields(sf.Account.get(made["id"]), ("Name", "Phone", "NumberOfEmployees")),
         {"Name": "Räder", "Phone": None, "NumberOfEmployees": 12})
    same(sf.Account.delete(made["id"]), 204)
    refused(SalesforceResourceNotFound, "ENTITY_IS_DELETED", lambda: sf.Account.get(made["id"]))
    refused(SalesforceResourceNotFound, "ENTITY_IS_DELETED", lambda: sf.Account.delete(made["id"]))


def types():
    family = sf.query("SELECT Id FROM Product_Family__c LIMIT 1")["records"][0]["Id"]
    row = {"Name": "TEST X1", "MSRP__c": 3200, "Category__c": "Mountain", "Level__c": "Beginner", "Product_Family__c": family,
           "Picture_URL__c": "https://example.com/x1.png"}
    made = sf.Product__c.create(row)
    read = sf.Product__c.get(made["id"])
    same(fields(read, row), {**row, "MSRP__c": 3200})
    opportunity = sf.Opportunity.create({"Name": "O", "StageName": "Prospecting", "CloseDate": "2024-02-29", "Amount": 10.5})
    read = sf.Opportunity.get(opportunity["id"])
    same(fields(read, ("CloseDate", "Amount", "IsClosed")), {"CloseDate": "2024-02-29", "Amount": 10.5, "IsClosed": False})
    datetime.datetime.strptime(read["CreatedDate"], "%Y-%m-%dT%H:%M:%S.%f%z")
    sf.Product__c.delete(made["id"])
    sf.Opportunity.delete(opportunity["id"])


def refusals():
    refused(SalesforceMalformedRequest, "REQUIRED_FIELD_MISSING", lambda: sf.Account.create({"Phone": "1"}))
    refused(SalesforceMalformedRequest, "INVALID_FIELD", lambda: sf.Account.create({"Name": "x", "Nope__c": 1}))
    refused(SalesforceMalformedRequest, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            lambda: sf.Order__c.create({"Status__c": "Nope", "Account__c": sf.query("SELECT Id FROM Account")["records"][0]["Id"]}))
    refused(SalesforceResourceNotFound, "NOT_FOUND", lambda: sf.Nope__c.create({"Name": "x"}))


def upsert():
    email = "Email/ada+1@example.com"
    same(sf.Contact.upsert(email, {"LastName": "Lovelace"}), 201)
    same(sf.Contact.upsert(email, {"LastName": "Byron", "Title": "Countess"}), 200)
    found = sf.Contact.get_by_custom_id("Email", "ada+1@example.com")
    same(fields(found, ("LastName", "Title", "Email")),
         {"LastName": "Byron", "Title": "Countess", "Email": "ada+1@example.com"})
    twin = sf.Contact.create({"LastName": "Twin", "Email": "ada+1@example.com"})["id"]
    refused(SalesforceMoreThanOneRecord, found["Id"], lambda: sf.Contact.upsert(email, {"LastName": "x"}))
    for contact in (found["Id"], twin):
        sf.Contact.delete(contact)
    refused(SalesforceResourceNotFound, "NOT_FOUND", lambda: sf.Contact.get_by_custom_id("Email", "ada+1@example.com"))


def pages():
    soql = "SELECT Id, Name, Company FROM Lead ORDER BY Id"
    first = sf.query(soql)
    same((first["totalSize"], first["done"], len(first["records"])), (LEADS, False, 2000))
    second = sf.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    third = sf.query_more(second["nextRecordsUrl"].rsplit("/", 1)[1])
    same((third["done"], third["totalSize"], "nextRecordsUrl" in third), (True, LEADS, False))
    ids = [row["Id"] for page in (first, second, third) for row in page["records"]]
    same((len(ids), len(set(ids)), ids), (LEADS, LEADS, sorted(ids)))
    same([row["Id"] for row in sf.query_all_iter(soql)], ids)
    same([row["Id"] for row in sf.query_all(soql)["records"]], ids)


def describes():
    whole = sf.describe()
    known = {o["name"]: o for o in whole["sobjects"]}
    same((whole["encoding"], whole["maxBatchSize"]), ("UTF-8", 200))
    same((known["Product__c"]["custom"], known["Account"]["keyPrefix"], known["Account"]["custom"]), (True, "001", False))
    described = sf.Product__c.describe()
    found = {f["name"]: f for f in described["fields"]}
    msrp = found["MSRP__c"]
    same((msrp["type"], msrp["precision"], msrp["scale"], msrp["nillable"]), ("currency", 6, 0, True))
    same(len(msrp), 57)
    same((found["Product_Family__c"]["referenceTo"], found["Product_Family__c"]["relationshipName"]),
         (["Product_Family__c"], "Product_Family__r"))
    status = next(f for f in sf.Order__c.describe()["fields"] if f["name"] == "Status__c")
    same([p["value"] for p in status["picklistValues"]],
         ["Draft", "Submitted to Manufacturing", "Approved by Manufacturing", "In Production"])
    same(sf.Account.metadata()["objectDescribe"]["name"], "Account")


def collections():
    rows = [{"attributes": {"type": "Account"}, "Name": f"Bulk {n}"} for n in range(200)]
    rows[3].pop("Name")
    post = lambda rows, all_or_none: sf.restful(
        "composite/sobjects", method="POST", json={"allOrNone": all_or_none, "records": rows})
    none = post(rows, True)
    same({r["success"] for r in none}, {False})
    same({r["errors"][0]["statusCode"] for r in none}, {"ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"})
    some = post(rows, False)
    same([r["success"] for r in some], [n != 3 for n in range(200)])
    assert "id" not in some[3], some[3]
    ids = [r["id"] for r in some if r["success"]]
    read = sf.restful("composite/sobjects/Account", method="POST", json={"ids": ids, "fields": ["Name"]})
    same([r["Name"] for r in read], [row["Name"] for row in rows if "Name" in row])
    changed = sf.restful("composite/sobjects", method="PATCH", json={"records": [
        {"attributes": {"type": "Account"}, "id": i, "Phone": "7"} for i in ids[:2]]})
    same([(r["id"], r["success"]) for r in changed], [(i, True) for i in ids[:2]])
    gone = sf.restful("composite/sobjects", method="DELETE", params={"ids": ",".join(ids), "allOrNone": "true"})
    same([r["success"] for r in gone], [True] * 199)


def composite():
    answer = sf.restful("composite", method="POST", json={"allOrNone": True, "compositeRequest": [
        {"method": "POST", "url": f"/services/data/v{sf.sf_version}/sobjects/Account", "referenceId": "a",
         "body": {"Name": "Composite"}},
        {"method": "POST", "url": f"/services/data/v{sf.sf_version}/sobjects/Contact", "referenceId": "c",
         "body": {"LastName": "Okafor", "AccountId": "@{a.id}"}},
        {"method": "GET", "url": f"/services/data/v{sf.sf_version}/sobjects/Contact/@{{c.id}}", "referenceId": "r"},
    ]})["compositeResponse"]
    same([p["httpStatusCode"] for p in answer], [201, 201, 200])
    same(answer[2]["body"]["AccountId"], answer[0]["body"]["id"])
    sf.Contact.delete(answer[1]["body"]["id"])
    sf.Account.delete(answer[0]["body"]["id"])


def changes():
    kept = sf.Account.create({"Name": "kept"})["id"]
    gone = sf.Account.create({"Name": "gone"})["id"]
    sf.Account.delete(gone)
    start = datetime.datetime.fromisoformat(os.environ["SIM_STARTED"]) - datetime.timedelta(minutes=5)
    end = start + datetime.timedelta(hours=1)
    assert kept in sf.Account.updated(start, end)["ids"]
    assert gone in [r["id"] for r in sf.Account.deleted(start, end)["deletedRecords"]]
    sf.Account.delete(kept)


def files():
    content = bytes(range(256)) * 50
    parent = sf.Account.create({"Name": "with a file"})["id"]
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        text = base64.b64encode(pathlib.Path(file.name).read_bytes()).decode()
        made = sf.Attachment.create({"Name": "x.bin", "ParentId": parent, "Body": text})
    same(sf.Attachment.get_base64(made["id"]), content)
    same(sf.Attachment.get(made["id"])["BodyLength"], len(content))
    sf.Account.delete(parent)


def events():
    made = sf.Manufacturing_Event__e.create({"Order_Id__c": "o1", "Status__c": "Done"})
    same((made["success"], made["errors"][0]["statusCode"]), (True, "OPERATION_ENQUEUED"))
    many = sf.restful("composite/sobjects", method="POST", json={"records": [
        {"attributes": {"type": "Manufacturing_Event__e"}, "Order_Id__c": str(n), "Status__c": "Done"} for n in range(5)]})
    same([r["errors"][0]["statusCode"] for r in many], ["OPERATION_ENQUEUED"] * 5)
    same(len({r["errors"][0]["message"] for r in many}), 5)


def limits():
    sf.query("SELECT Id FROM Account")
    daily = sf.limits()["DailyApiRequests"]
    usage = sf.api_usage["api-usage"]
    same((daily["Max"], daily["Remaining"]), (usage.total, usage.total - usage.used))


CASES = [project_records, crud, types, refusals, upsert, pages, describes, collections, composite, changes, files,
         events, limits]


def main():
    failed = 0
    for case in CASES:
        line = f"simple-salesforce {version('simple-salesforce')}: {case.__name__.replace('_', ' ')}"
        try:
            case()
            print(f"ok      {line}", flush=True)
        except Exception as why:  # Whatever it is, the other cases are of interest too.
            failed += 1
            print(f"FAILED  {line}: {type(why).__name__}: {why}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
