// jsforce against the emulated org, by every login that it has.
'use strict';

const assert = require('node:assert');
const { createSign } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { Connection, OAuth2 } = require('jsforce');
const { version } = require('jsforce/package.json');

const { SIM_URL: loginUrl, SIM_KEY, SIM_CALLBACK: redirectUri } = process.env;
const user = 'ada@example.com';
const password = 'p<&>ssword';
const token = 't0ken';
const app = { loginUrl, clientId: 'app', clientSecret: 'app-secret', redirectUri };
const publicApp = { loginUrl, clientId: 'public', redirectUri, useVerifier: true };

/** The session is worth something. */
async function reads(conn) {
  const found = await conn.query('SELECT Id, Name FROM Account ORDER BY Name');
  assert.strictEqual(found.totalSize, 3);
}

async function fails(promise, words) {
  await assert.rejects(promise, (why) => {
    assert.ok(`${why.name} ${why.errorCode} ${why.message}`.includes(words), `${why.name}: ${why.message}`);
    return true;
  });
}

function assertion(clientId) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 180;
  const text = `${part({ alg: 'RS256' })}.${part({ iss: clientId, sub: user, aud: 'https://login.salesforce.com', exp })}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(readFileSync(SIM_KEY)).toString('base64url')}`;
}

/** What a browser does: the fields of a page's form, filled and sent. */
async function submit(page, fields) {
  const form = new URLSearchParams();
  const text = (html) =>
    html.replace(/&quot;/g, '"').replace(/&#39;/g, "'").replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');
  for (const [, name, value] of page.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)) form.append(name, text(value));
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  const action = new URL(/action="([^"]*)"/.exec(page)[1], loginUrl);
  return fetch(action, { method: 'POST', body: form, redirect: 'manual' });
}

/** The parameters that come to the callback. */
async function consented(oauth2, decision) {
  const url = oauth2.getAuthorizationUrl({ scope: 'api refresh_token', state: 'mine & yours', prompt: 'consent' });
  const login = await (await fetch(url)).text();
  const consent = await (await submit(login, { username: user, password })).text();
  const answer = await submit(consent, { decision });
  assert.strictEqual(answer.status, 302);
  const found = new URL(answer.headers.get('location')).searchParams;
  assert.strictEqual(found.get('state'), 'mine & yours');
  return found;
}

async function byCode(settings) {
  const conn = new Connection({ oauth2: settings });
  const found = await consented(conn.oauth2, 'allow');
  const who = await conn.authorize(found.get('code'));
  assert.ok(who.id.startsWith('005') && who.organizationId.startsWith('00D') && conn.refreshToken);
  await reads(conn);
  return conn;
}

const cases = {
  'SOAP: password and security token': async () => {
    const conn = new Connection({ loginUrl, logLevel: 'FATAL' });
    const who = await conn.login(user, password + token);
    assert.ok(who.id.startsWith('005') && who.organizationId.startsWith('00D'));
    await reads(conn);
    const { accessToken, instanceUrl } = conn;
    await conn.logout();
    await fails(reads(new Connection({ accessToken, instanceUrl })), 'INVALID_SESSION_ID');
  },
  'username-password grant': async () => {
    const conn = new Connection({ oauth2: app });
    await conn.login(user, password + token);
    await reads(conn);
    assert.strictEqual((await conn.identity()).username, user);
  },
  'web server flow': async () => {
    const conn = await byCode(app);
    assert.strictEqual((await conn.identity()).username, user);
  },
  'web server flow with PKCE and no secret': () => byCode(publicApp),
  'web server flow, denied': async () => {
    const found = await consented(new OAuth2(app), 'deny');
    assert.strictEqual(found.get('error'), 'access_denied');
  },
  'refresh token': async () => {
    const { refreshToken } = await byCode(app);
    const answer = await new OAuth2(app).refreshToken(refreshToken);
    await reads(new Connection({ accessToken: answer.access_token, instanceUrl: answer.instance_url }));
  },
  'refresh token, when the session has ended': async () => {
    const conn = await byCode(app);
    let refreshed = 0;
    const again = new Connection({
      oauth2: app, instanceUrl: conn.instanceUrl, accessToken: 'ended', refreshToken: conn.refreshToken,
    });
    again.on('refresh', () => { refreshed += 1; });
    await reads(again);
    assert.strictEqual(refreshed, 1);
  },
  'revoking the refresh token': async () => {
    const conn = await byCode(app);
    const { accessToken, instanceUrl, refreshToken } = conn;
    await conn.logout(true);
    await fails(reads(new Connection({ accessToken, instanceUrl })), 'INVALID_SESSION_ID');
    await fails(new OAuth2(app).refreshToken(refreshToken), 'expired access/refresh token');
  },
  'JWT bearer': async () => {
    const conn = new Connection({ oauth2: { loginUrl } });
    await conn.authorize({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: assertion('app') });
    await reads(conn);
  },
  'client credentials': async () => {
    const conn = new Connection({ oauth2: app });
    await conn.authorize({ grant_type: 'client_credentials' });
    await reads(conn);
  },
  'token exchange': async () => {
    const conn = new Connection({ oauth2: app });
    await conn.authorize({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'their-token',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
    await reads(conn);
  },
  'session id': async () => {
    const { accessToken, instanceUrl } = await byCode(app);
    await reads(new Connection({ accessToken, instanceUrl }));
  },
  'refused: SOAP, wrong password': () =>
    fails(new Connection({ loginUrl, logLevel: 'FATAL' }).login(user, 'wrong'), 'INVALID_LOGIN'),
  'refused: username-password, wrong password': () =>
    fails(new Connection({ oauth2: app }).login(user, 'wrong'), 'authentication failure'),
  'refused: JWT bearer, not approved': () =>
    fails(
      new Connection({ oauth2: { loginUrl } }).authorize({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: assertion('unapproved'),
      }),
      "user hasn't approved this consumer",
    ),
};

(async () => {
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
