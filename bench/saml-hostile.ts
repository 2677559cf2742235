/**
 * npm run bench:saml [-- --samples N]: what hostile XML costs whoever reads it, and what a good response costs. For each
 * document the time until it is refused, and the longest that the event loop was kept from its work meanwhile. A report,
 * not a test: on a machine that has other things to do both grow. Promised are 50 ms and 20 ms.
 */
import { randomBytes } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { loadConfig } from '../config/load.ts';
import { openCommandContext } from '../src/cli/context.ts';
import { defaultMapping, type SamlConnection } from '../src/core/connections/connections.ts';
import { isRefusal } from '../src/federation/connector.ts';
import { samlConnector, serviceProviderOf } from '../src/federation/saml/saml.ts';
import { hostile } from '../test/support/saml-hostile.ts';
import { makeIdpKey, makeResponse, type Making, toForm } from '../test/support/saml-idp.ts';

const { values } = parseArgs({ options: { samples: { type: 'string', default: '30' } } });
const samples = Math.min(Math.max(Number(values.samples) || 30, 5), 1000);
const resolutionMs = 1;

const issuer = 'https://login.vendor.test';
// nothing here asks the database, so that none is there
const key32 = () => randomBytes(32).toString('base64url');
const config = loadConfig({
  ISSUER: issuer,
  DATABASE_URL: 'postgres://127.0.0.1:1/none',
  SECRET_KEYS: key32(),
  COOKIE_KEYS: key32(),
});
const { ctx, close } = await openCommandContext(config, pino({ level: 'silent' }));
const key = makeIdpKey();
const idp = { entityId: 'https://idp.test/metadata', ssoUrl: 'https://idp.test/sso', key, now: ctx.now };
const connection: SamlConnection = {
  id: 'con_bench',
  accountId: 'acc_bench',
  label: 'Bench',
  kind: 'saml',
  state: 'enabled',
  mapping: defaultMapping,
  settingsHash: Buffer.alloc(32),
  testedHash: null,
  testedAt: null,
  pilotEmails: [],
  revision: 1,
  secretSealed: null,
  refreshAt: null,
  refreshError: null,
  createdAt: ctx.now(),
  updatedAt: ctx.now(),
  settings: {
    kind: 'saml',
    entityId: idp.entityId,
    metadataUrl: null,
    signaturePolicy: 'either',
    subject: { from: 'name_id' },
    idpInitiated: 'off',
    idpInitiatedClients: [],
    encryption: false,
    refuseExpiredCertificates: false,
  },
  published: { ssoUrl: idp.ssoUrl, binding: 'redirect', certificates: [key.certificate], validUntil: null },
};
const to = serviceProviderOf(issuer, connection.id);
const ask = { token: 'bench', forceAuthn: false };

interface Row {
  readonly document: string;
  readonly KiB: number;
  readonly answer: string;
  readonly 'median ms': number;
  readonly 'longest ms': number;
  /** Beyond the interval at which it is measured. */
  readonly 'event loop ms': number;
}

try {
  // the thread starts, and what it runs is compiled
  for (let round = 0; round < 20; round += 1) await measure('', await good({ sign: 'both' }), 1);
  console.table(await rowsOf(hostile().map(({ name, xml }) => [name, xml] as const)));
  console.table(
    await rowsOf([
      ['good, assertion signed', await good({ sign: 'assertion' })],
      ['good, both signed', await good({ sign: 'both' })],
      ['good, both signed, 60 groups', await good({ sign: 'both', says: { attributes: groups(60) } })],
      ['good, both signed, 480 groups', await good({ sign: 'both', says: { attributes: groups(480) } })],
      [
        'signed by somebody else, 480 groups',
        await good({ key: makeIdpKey(), says: { attributes: groups(480) } }),
      ],
    ]),
  );
} finally {
  await close();
}

async function rowsOf(documents: readonly (readonly [name: string, xml: string])[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, xml] of documents) rows.push(await measure(name, xml, samples));
  return rows;
}

async function measure(document: string, xml: string, rounds: number): Promise<Row> {
  const response = toForm(xml);
  const times: number[] = [];
  let answer = '';
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    const said = await samlConnector.verify(ctx, connection, { response, ask, memory: {} });
    times.push(performance.now() - start);
    answer = isRefusal(said) ? said.refused : 'taken';
    // so that the loop turns in between, and its delay is noticed
    await new Promise((resolve) => setImmediate(resolve));
  }
  delay.disable();
  times.sort((a, b) => a - b);
  return {
    document,
    KiB: Math.round(xml.length / 1024),
    answer,
    'median ms': round(times[Math.floor(times.length / 2)] ?? 0),
    'longest ms': round(times.at(-1) ?? 0),
    'event loop ms': round(Math.max(delay.max / 1e6 - resolutionMs, 0)),
  };
}

function good(making: Making): Promise<string> {
  return makeResponse(idp, { to, requestId: `_${ask.token}` }, making);
}

function groups(count: number): [string, ...string[]][] {
  return [['groups', ...Array.from({ length: count }, (_, at) => `group-${at}`.padEnd(40, 'x'))]];
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
