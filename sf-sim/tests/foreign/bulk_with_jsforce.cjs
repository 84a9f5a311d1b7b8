// jsforce loads 5,000 odd rows into the emulated org by Bulk 2.0, by every operation, and reads them back.
'use strict';

const assert = require('node:assert');
const { readFileSync } = require('node:fs');
const { Readable } = require('node:stream');
const { Connection } = require('jsforce');
const { version } = require('jsforce/package.json');

const { SIM_URL: loginUrl, SIM_CLIENT: clientId, SIM_SECRET: clientSecret, SIM_ROWS } = process.env;
const rows = JSON.parse(readFileSync(SIM_ROWS, 'utf8'));
const fields = Object.keys(rows[0].told);
const conn = new Connection({ oauth2: { loginUrl, clientId, clientSecret }, logLevel: 'FATAL' });
let ids = new Map();

const load = (object, operation, input, more = {}) =>
  conn.bulk2.loadAndWaitForResults({ object, operation, input, pollInterval: 50, pollTimeout: 120000, ...more });

function counted(results, good, bad = 0) {
  const told = [results.successfulResults.length, results.failedResults.length, results.unprocessedRecords.length];
  assert.deepStrictEqual(told, [good, bad, 0]);
}

async function queried(soql, options) {
  const stream = await conn.bulk2.query(soql, { pollInterval: 50, pollTimeout: 60000, ...options });
  return stream.toArray();
}

/** What the org holds, by the rows' keys. */
async function stored() {
  const found = await queried(`SELECT Id, ${fields.join(', ')} FROM Contact`);
  return new Map(found.map((row) => [row.External__c, row]));
}

/** Every field of every row. */
async function same(expected) {
  const found = await stored();
  assert.strictEqual(found.size, expected.length);
  for (const told of expected) {
    const row = found.get(told.External__c);
    for (const field of fields) {
      const number = field === 'Amount__c' && row[field] !== '' && told[field] !== '';
      const [ours, theirs] = number ? [Number(row[field]), Number(told[field])] : [row[field], told[field]];
      assert.strictEqual(ours, theirs, `${told.External__c} ${field}`);
    }
  }
}

const csv = (records, end = '\n', delimiter = ',') => {
  const cell = (text) => `"${String(text).replace(/"/g, '""')}"`;
  const line = (cells) => cells.map(cell).join(delimiter) + end;
  return line(Object.keys(records[0])) + records.map((record) => line(Object.values(record))).join('');
};

const cases = {
  insert: async () => {
    const accounts = Array.from({ length: 7 }, (_, n) => ({ Name: `Account ${n}`, External__c: `A${n}` }));
    counted(await load('Account', 'insert', accounts), 7);
    const results = await load('Contact', 'insert', rows.map((row) => row.sent));
    counted(results, rows.length);
    ids = new Map(results.successfulResults.map((row) => [row.External__c, row.sf__Id]));
    assert.strictEqual(ids.size, rows.length);
    assert.ok(results.successfulResults.every((row) => row.sf__Created === 'true'));
    const found = await stored();
    for (const [key, id] of ids) assert.strictEqual(found.get(key).Id, id);
    await same(rows.map((row) => row.told));
  },
  update: async () => {
    const changes = rows.map(({ told }, n) => ({ Id: ids.get(told.External__c), FirstName: null, Email: '', Amount__c: n }));
    const results = await load('Contact', 'update', changes);
    counted(results, rows.length);
    assert.ok(results.successfulResults.every((row) => row.sf__Created === 'false'));
    rows.forEach(({ told }, n) => Object.assign(told, { FirstName: '', Amount__c: String(n) }));
    await same(rows.map((row) => row.told));
  },
  upsert: async () => {
    const old = rows.filter((_, n) => n % 2 === 0).map(({ told }, n) => ({ External__c: told.External__c, LastName: `again ${n}` }));
    const fresh = Array.from({ length: 2500 }, (_, n) => ({ External__c: `N-${n}`, LastName: `new ${n}` }));
    const results = await load('Contact', 'upsert', [...old, ...fresh], { externalIdFieldName: 'External__c' });
    counted(results, 5000);
    const created = results.successfulResults.filter((row) => row.sf__Created === 'true').map((row) => row.External__c);
    assert.deepStrictEqual(created.sort(), fresh.map((row) => row.External__c).sort());
    old.forEach((row, n) => { rows[n * 2].told.LastName = row.LastName; });
    const empty = { ...Object.fromEntries(fields.map((field) => [field, ''])), Flag__c: 'false' };
    await same([...rows.map((row) => row.told), ...fresh.map((row) => ({ ...empty, ...row }))]);
  },
  'CSV as text and as a stream, lines ended by CRLF': async () => {
    const records = rows.slice(0, 500).map((_, n) => ({ Name: `stream ${n}`, Description: `"${n}", and; more` }));
    const text = csv(records, '\r\n', ';');
    for (const input of [text, Readable.from([text.slice(0, 1000), text.slice(1000)])]) {
      counted(await load('Account', 'insert', input, { lineEnding: 'CRLF', columnDelimiter: 'SEMICOLON' }), 500);
    }
    const found = await queried("SELECT Id, Description FROM Account WHERE Name LIKE 'stream %'");
    assert.deepStrictEqual(found.map((row) => row.Description).sort(), [...records, ...records].map((row) => row.Description).sort());
    counted(await load('Account', 'delete', found.map(({ Id }) => ({ Id }))), 1000);
  },
  'rows that are refused': async () => {
    const bad = [{ LastName: null, Birthdate: null }, { LastName: 'x', Birthdate: '31.12.1999' }, { LastName: 'fine', Birthdate: null }];
    const results = await load('Contact', 'insert', bad);
    counted(results, 1, 2);
    const errors = results.failedResults.map((row) => row.sf__Error).sort();
    assert.ok(errors[0].endsWith("'31.12.1999' is not a valid value for the type xsd:date:Birthdate --"), errors[0]);
    assert.strictEqual(errors[1], 'REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --');
    counted(await load('Contact', 'delete', results.successfulResults.map((row) => ({ Id: row.sf__Id }))), 1);
  },
  'a job that fails': async () => {
    const wrong = load('Contact', 'insert', [{ LastName: 'x', Nope: 'y' }]);
    await assert.rejects(wrong, /InvalidBatch : Field name not found : Nope/);
  },
  'aborting and deleting': async () => {
    const job = conn.bulk2.createJob({ object: 'Contact', operation: 'insert' });
    await job.open();
    assert.strictEqual((await job.check()).state, 'Open');
    await job.abort();
    assert.strictEqual((await job.check()).state, 'Aborted');
    await job.delete();
    await assert.rejects(job.check(), /The requested resource does not exist/);
  },
  'delete and hard delete': async () => {
    const found = [...(await stored()).values()].map(({ Id }) => ({ Id }));
    counted(await load('Contact', 'delete', found.slice(0, 2500)), 2500);
    counted(await load('Contact', 'hardDelete', found.slice(2500)), 5000);
    assert.strictEqual((await stored()).size, 0);
    const again = await load('Contact', 'delete', found.slice(0, 2500));
    counted(again, 0, 2500);
    assert.ok(again.failedResults.every((row) => row.sf__Error === 'ENTITY_IS_DELETED:entity is deleted:--'));
    assert.strictEqual((await queried('SELECT Id FROM Contact', { scanAll: true })).length, 2501);
  },
};

(async () => {
  await conn.authorize({ grant_type: 'client_credentials' });
  let failed = 0;
  for (const [name, run] of Object.entries(cases)) {
    const line = `jsforce ${version}: Bulk 2.0: ${name}`;
    try {
      await run();
      console.log(`ok      ${line}`);
    } catch (why) {
      failed += 1;
      console.log(`FAILED  ${line}: ${String(why && why.stack ? why.stack : why).slice(0, 2000)}`);
    }
  }
  process.exit(failed ? 1 : 0);
})();
