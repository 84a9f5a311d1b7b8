// jsforce against the emulated e-bikes org: rows, queries, describes; each value compared.
'use strict';

const assert = require('node:assert');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { Connection } = require('jsforce');
const { version } = require('jsforce/package.json');

const { SIM_URL: loginUrl, SIM_PROJECT: project, SIM_STARTED: started } = process.env;
const told = JSON.parse(process.env.SIM_TOLD);
const leads = Number(process.env.SIM_LEADS);
const conn = new Connection({ loginUrl, version: '64.0' });
const same = assert.deepStrictEqual;

async function refused(promise, code) {
  await assert.rejects(promise, (why) => {
    assert.strictEqual(why.errorCode, code, `${why.errorCode}: ${why.message}`);
    return true;
  });
}

function pick(row, names) {
  return Object.fromEntries(names.map((name) => [name, row[name]]));
}

const cases = {
  'records of the project': async () => {
    for (const [file, object] of [['Accounts', 'Account'], ['Product_Family__cs', 'Product_Family__c'], ['Product__cs', 'Product__c']]) {
      const { records } = JSON.parse(readFileSync(path.join(project, 'data', `${file}.json`), 'utf8'));
      for (const { attributes, ...record } of records) {
        const names = Object.keys(record).filter((name) => !String(record[name]).startsWith('@'));
        const found = await conn.sobject(object).find({ Name: record.Name }, names);
        same(found.map((row) => pick(row, names)), [pick(record, names)]);
      }
    }
  },
  'one row': async () => {
    const row = { Name: 'Räder & Söhne', NumberOfEmployees: 12, Phone: '030 1', Fax: null, Description: 'one\ntwo "three" \\' };
    const { id, success, errors } = await conn.sobject('Account').create(row);
    same([success, errors, id.length], [true, [], 18]);
    same(pick(await conn.sobject('Account').retrieve(id), Object.keys(row)), row);
    same(await conn.sobject('Account').update({ Id: id, Phone: null }), { id, success: true, errors: [] });
    same((await conn.sobject('Account').retrieve(id, { fields: ['Phone'] })).Phone, null);
    same(await conn.sobject('Account').destroy(id), { id, success: true, errors: [] });
    await refused(conn.sobject('Account').retrieve(id), 'ENTITY_IS_DELETED');
  },
  refusals: async () => {
    await refused(conn.sobject('Account').create({ Phone: '1' }), 'REQUIRED_FIELD_MISSING');
    await refused(conn.sobject('Account').create({ Name: 'x', Nope__c: 1 }), 'INVALID_FIELD');
    await refused(conn.sobject('Nope__c').create({ Name: 'x' }), 'NOT_FOUND');
  },
  'upsert, of one and of many': async () => {
    const contacts = conn.sobject('Contact');
    const made = await contacts.upsert({ Email: 'ada+js@example.com', LastName: 'Lovelace' }, 'Email');
    same([made.success, made.created], [true, true]);
    const again = await contacts.upsert({ Email: 'ada+js@example.com', LastName: 'Byron' }, 'Email');
    same([again.id, again.created], [made.id, false]);
    const many = await contacts.upsert(
      [{ Email: 'ada+js@example.com', LastName: 'King' }, { Email: 'grace@example.com', LastName: 'Hopper' }, { Email: 'nobody@example.com' }],
      'Email',
      { allowRecursive: true },
    );
    same(many.map((r) => r.success), [true, true, false]);
    same(many.slice(0, 2).map((r) => r.created), [false, true]);
    same(many[2].errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
    same((await contacts.retrieve(made.id)).LastName, 'King');
    await contacts.destroy([made.id, many[1].id]);
  },
  'many rows': async () => {
    const accounts = conn.sobject('Account');
    const rows = Array.from({ length: 450 }, (_, n) => ({ Name: `Many ${n}` }));
    rows[201] = { Phone: 'no name' };
    const made = await accounts.create(rows, { allowRecursive: true });
    same(made.map((r) => r.success), rows.map((_, n) => n !== 201));
    same(made[201].errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
    const ids = made.filter((r) => r.success).map((r) => r.id);
    const read = await accounts.retrieve(ids.slice(0, 100), { fields: ['Name'] });
    same(read.map((r) => r.Name), rows.slice(0, 100).map((r) => r.Name));
    const changed = await accounts.update(ids.map((Id) => ({ Id, Phone: '7' })), { allowRecursive: true });
    same(changed.map((r) => [r.id, r.success]), ids.map((id) => [id, true]));
    const none = await accounts.create([{ Name: 'x' }, {}], { allOrNone: true });
    same(none.map((r) => r.success), [false, false]);
    const gone = await accounts.destroy(ids, { allowRecursive: true });
    same(gone.map((r) => r.success), ids.map(() => true));
    same((await conn.query("SELECT Id FROM Account WHERE Name LIKE 'Many %'")).totalSize, 0);
  },
  'several pages': async () => {
    const soql = 'SELECT Id, Name, Company FROM Lead ORDER BY Id';
    const first = await conn.query(soql);
    same([first.totalSize, first.done, first.records.length], [leads, false, 2000]);
    const second = await conn.queryMore(first.nextRecordsUrl);
    const third = await conn.queryMore(second.nextRecordsUrl);
    same([third.done, third.records.length], [true, leads - 4000]);
    const ids = [first, second, third].flatMap((page) => page.records.map((r) => r.Id));
    same(new Set(ids).size, leads);
    const all = await conn.query(soql, { autoFetch: true, maxFetch: 100000 });
    same(all.records.map((r) => r.Id), ids);
  },
  describes: async () => {
    const whole = await conn.describeGlobal();
    const product = whole.sobjects.find((o) => o.name === 'Product__c');
    same([whole.maxBatchSize, product.custom, product.queryable], [200, true, true]);
    const { fields } = await conn.describe('Product__c');
    const msrp = fields.find((f) => f.name === 'MSRP__c');
    same([msrp.type, msrp.precision, msrp.scale, msrp.custom], ['currency', 6, 0, true]);
    same(Object.keys(msrp).length, 57);
    const family = fields.find((f) => f.name === 'Product_Family__c');
    same([family.type, family.referenceTo, family.relationshipName], ['reference', ['Product_Family__c'], 'Product_Family__r']);
  },
  composite: async () => {
    const base = `/services/data/v${conn.version}/sobjects`;
    const answer = await conn.request({
      method: 'POST', url: `/services/data/v${conn.version}/composite`, headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ allOrNone: false, compositeRequest: [
        { method: 'POST', url: `${base}/Account`, referenceId: 'a', body: { Name: 'Composite' } },
        { method: 'POST', url: `${base}/Contact`, referenceId: 'bad', body: { FirstName: 'x', AccountId: '@{a.id}' } },
        { method: 'DELETE', url: `${base}/Contact/@{bad.id}`, referenceId: 'halted' },
        { method: 'DELETE', url: `${base}/Account/@{a.id}`, referenceId: 'd' },
      ] }),
    });
    same(answer.compositeResponse.map((p) => p.httpStatusCode), [201, 400, 400, 204]);
    same(answer.compositeResponse[2].body[0].errorCode, 'PROCESSING_HALTED');
  },
  'what changed': async () => {
    const { id } = await conn.sobject('Account').create({ Name: 'x' });
    const start = new Date(Date.parse(started) - 300000);
    const end = new Date(start.getTime() + 3600000);
    assert.ok((await conn.sobject('Account').updated(start, end)).ids.includes(id));
    await conn.sobject('Account').destroy(id);
    const { deletedRecords } = await conn.sobject('Account').deleted(start, end);
    assert.ok(deletedRecords.some((r) => r.id === id));
  },
  files: async () => {
    const content = Buffer.from(Array.from({ length: 5000 }, (_, n) => n % 256));
    const { id: parent } = await conn.sobject('Account').create({ Name: 'with a file' });
    const { id } = await conn.sobject('Attachment').create({ Name: 'x.bin', ParentId: parent, Body: content.toString('base64') });
    const pieces = [];
    for await (const piece of conn.sobject('Attachment').record(id).blob('Body')) pieces.push(piece);
    assert.ok(Buffer.concat(pieces).equals(content));
    await conn.sobject('Account').destroy(parent);
  },
  events: async () => {
    const made = await conn.sobject('Manufacturing_Event__e').create([
      { Order_Id__c: 'a', Status__c: 'Done' }, { Order_Id__c: 'b', Status__c: 'Done' },
    ]);
    same(made.map((r) => [r.success, r.errors[0].statusCode]), [[true, 'OPERATION_ENQUEUED'], [true, 'OPERATION_ENQUEUED']]);
  },
  limits: async () => {
    const limits = await conn.limits();
    same([limits.DailyApiRequests.Max, limits.DailyApiRequests.Remaining],
      [conn.limitInfo.apiUsage.limit, conn.limitInfo.apiUsage.limit - conn.limitInfo.apiUsage.used]);
  },
};

(async () => {
  await conn.login(told.username, told.password + told.security_token);
  let failed = 0;
  for (const [name, run] of Object.entries(cases)) {
    const line = `jsforce ${version}: ${name}`;
    try {
      await run();
      console.log(`ok      ${line}`);
    } catch (why) {
      failed += 1;
      console.log(`FAILED  ${line}: ${why && why.stack ? why.stack : why}`);
    }
  }
  process.exit(failed ? 1 : 0);
})();
