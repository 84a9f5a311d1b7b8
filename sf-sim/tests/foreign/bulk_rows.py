"""The rows that the Bulk clients load, what has to stand in the org afterwards, and the SFDX project with their fields."""

import datetime
import json

ROWS = 5_000
FIELDS = {
    "Contact": {
        "External__c": "<type>Text</type><length>40</length><externalId>true</externalId><unique>true</unique>",
        "Amount__c": "<type>Number</type><precision>18</precision><scale>2</scale>",
        "At__c": "<type>DateTime</type>",
        "Flag__c": "<type>Checkbox</type><defaultValue>false</defaultValue>",
        "Notes__c": "<type>LongTextArea</type><length>32000</length><visibleLines>3</visibleLines>",
    },
    "Account": {
        "External__c": "<type>Text</type><length>40</length><externalId>true</externalId><unique>true</unique>",
    },
}
TEXTS = [
    "O'Hara", 'He said "no"', "a,b;c|d\te^f`g", "Müller-Lüdenscheidt", "日本語のテキスト", "🚲 bike", "back\\slash", "#N/A really",
    '"', '""', "=1+1", "NULL", "null", "%41&<b>", "naïve café", "-", "0001", "1e5", "true", "x" * 80,
]
# As sent, and what the org makes of it.
AMOUNTS = [("7", "7"), ("-1.5", "-1.5"), ("1e3", "1000"), ("912260031", "912260031"), ("0.01", "0.01"), ("+2.50", "2.5"), ("", "")]
FLAGS = [("true", "true"), ("FALSE", "false"), ("1", "true"), ("0", "false"), ("", "false"), ("Yes", "true"), ("no", "false")]


def at(n):
    """An instant as sent, in any zone, and in UTC."""
    instant = datetime.datetime(2020, 2, 28, 22, 30, tzinfo=datetime.timezone.utc) + datetime.timedelta(minutes=n * 37)
    told = instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    zone = datetime.timezone(datetime.timedelta(hours=(n % 25) - 12))
    sent = [told, instant.strftime("%Y-%m-%dT%H:%M:%SZ"), instant.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S%z")]
    return sent[n % 3], told


def row(n):
    """One row: its cells as sent, and the fields that a query of it tells."""
    amount, flag, (sent_at, told_at) = AMOUNTS[n % 7], FLAGS[n % 5 if n % 2 else n % 7], at(n)
    text = TEXTS[n % len(TEXTS)]
    notes = ["", f"line one\nline \"two\" of {n}\n\nand four", f"{text}, {text}", "x" * (n % 700)][n % 4]
    birthday = (datetime.date(1950, 1, 1) + datetime.timedelta(days=n)).isoformat() if n % 3 else ""
    sent = {
        "External__c": f"K-{n:05}", "LastName": text, "FirstName": "" if n % 4 else f"No {n}", "Notes__c": notes,
        "Email": f"n{n}@example.com", "Birthdate": birthday, "Amount__c": amount[0], "At__c": sent_at, "Flag__c": flag[0],
        "Account.External__c": f"A{n % 7}" if n % 5 else "",
    }
    return {"sent": sent, "told": {**sent, "Amount__c": amount[1], "At__c": told_at, "Flag__c": flag[1]}}


def write_rows(path):
    path.write_text(json.dumps([row(n) for n in range(ROWS)]))


def write_project(folder):
    namespace = "http://soap.sforce.com/2006/04/metadata"
    for name, fields in FIELDS.items():
        place = folder / "force-app/main/default/objects" / name / "fields"
        place.mkdir(parents=True, exist_ok=True)
        for field, settings in fields.items():
            (place / f"{field}.field-meta.xml").write_text(
                f'<?xml version="1.0" encoding="UTF-8"?>\n<CustomField xmlns="{namespace}">'
                f"<fullName>{field}</fullName><label>{field[:-3]}</label>{settings}</CustomField>\n")
    (folder / "sfdx-project.json").write_text('{"packageDirectories": [{"path": "force-app", "default": true}]}')
