/** Canaries: every secret a test run meets on the wire, the forms it could be kept in, and where one of them stands. */
import { createHash } from 'node:crypto';
import pg from 'pg';
import type { Test } from 'tap';

/** Secrets by what they are. */
export class Canaries {
  readonly #kinds = new Map<string, Set<string>>();

  /** Short values are left out: they stand anywhere by chance. */
  add(kind: string, secret: string | null | undefined): void {
    if (!secret || secret.length < 12) return;
    const known = this.#kinds.get(kind) ?? new Set();
    this.#kinds.set(kind, known.add(secret));
  }

  get kinds(): string[] {
    return [...this.#kinds.keys()].sort();
  }

  of(kind: string): string[] {
    return [...(this.#kinds.get(kind) ?? [])];
  }

  get all(): { readonly kind: string; readonly secret: string }[] {
    return this.kinds.flatMap((kind) => this.of(kind).map((secret) => ({ kind, secret })));
  }
}

const secretMembers: Readonly<Record<string, string>> = {
  SAMLResponse: 'assertion',
  access_token: 'access token',
  client_assertion: 'client assertion',
  client_secret: 'client secret',
  code: 'code',
  code_verifier: 'code verifier',
  id_token: 'id token',
  id_token_hint: 'id token',
  interaction: 'interaction uid',
  logout_token: 'logout token',
  password: 'password',
  refresh_token: 'refresh token',
  request_uri: 'request_uri',
  token: 'token',
  xsrf: 'xsrf',
};

/**
 * Listens to everything the test sends and gets by fetch, and keeps every secret of it: from addresses, forms, JSON,
 * cookies, the Authorization header, and forms in pages. What is sent is left as it is.
 */
export function listenForSecrets(t: Test): Canaries {
  const canaries = new Canaries();
  const plain = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    noteRequest(canaries, new Request(input, init), init?.body);
    const response = await plain(input, init);
    await noteResponse(canaries, response.clone());
    return response;
  };
  t.teardown(() => {
    globalThis.fetch = plain;
  });
  return canaries;
}

function noteRequest(canaries: Canaries, { url, headers }: Request, body: unknown): void {
  noteAddress(canaries, url);
  noteAuthorization(canaries, headers.get('authorization') ?? '');
  canaries.add('dpop proof', headers.get('dpop'));
  if (body instanceof URLSearchParams) noteMembers(canaries, Object.fromEntries(body));
  if (typeof body === 'string') noteText(canaries, body);
}

async function noteResponse(canaries: Canaries, response: Response): Promise<void> {
  for (const line of response.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    canaries.add(name.endsWith('.sig') ? 'cookie signature' : 'cookie', value);
  }
  noteAddress(canaries, response.headers.get('location') ?? '');
  noteText(canaries, await response.text());
}

function noteAddress(canaries: Canaries, address: string): void {
  const url = URL.parse(address, 'http://127.0.0.1');
  if (!url) return;
  noteMembers(canaries, Object.fromEntries(url.searchParams));
  canaries.add('interaction uid', /^\/(?:sign-in|authorize)\/([\w-]{21,64})/.exec(url.pathname)?.[1]);
}

/** RFC 6749 §2.3.1, RFC 6750 §2.1, RFC 9449 §7.1 */
function noteAuthorization(canaries: Canaries, header: string): void {
  const [scheme, value = ''] = header.split(' ');
  if (scheme !== 'Basic') canaries.add('access token', value);
  else canaries.add('client secret', Buffer.from(value, 'base64').toString().split(':')[1]);
}

function noteText(canaries: Canaries, text: string): void {
  if (text.startsWith('{')) {
    // in JSON `code` is what went wrong; codes of the protocol stand in addresses and forms
    const { code: _failure, ...members } = parseObject(text);
    noteMembers(canaries, members);
  } else canaries.add('xsrf', /name="xsrf" value="([^"]+)"/.exec(text)?.[1]);
}

/** Empty for what only looks like it: JSON lines, or what a fault has cut off. */
function parseObject(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function noteMembers(canaries: Canaries, members: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(members)) {
    const kind = secretMembers[name];
    if (kind === undefined || typeof value !== 'string') continue;
    canaries.add(kind, value);
    // the name of a pushed request is known to everybody, what follows it is not
    if (name === 'request_uri') canaries.add(kind, value.split(':').at(-1));
  }
}

/** The forms in which a secret could be kept and read again. */
export function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // only what depends on the secret alone: in the middle of a longer text the rest is another
    return shifted.slice(Math.ceil((shift * 4) / 3), Math.floor(((shift + bytes.length) * 4) / 3));
  });
  const base64url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const forms = [
    secret,
    bytes.toString('hex'),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ];
  return [...new Set([...forms, secret.replaceAll(' ', '+'), ...base64, ...base64url])];
}

/** Unsalted digests: fine for a token of high entropy, and as good as readable for what a person has chosen. */
export function digestsOf(secret: string): string[] {
  return ['md5', 'sha1', 'sha256', 'sha512'].map((name) => createHash(name).update(secret).digest('hex'));
}

export interface Dump {
  readonly tables: readonly string[];
  /** Every row of every table as text; what is kept as bytes or in base64 also as what it is. */
  readonly text: string;
  /** Every single value that is text or bytes; bytes in each way they could be written. */
  readonly values: readonly string[];
}

/** The whole database, as a thief would have it: all tables the catalogue knows of, whatever they are. */
export async function dumpDatabase(
  databaseUrl: string,
  { except = [] }: { readonly except?: readonly string[] } = {},
): Promise<Dump> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  const { rows: all } = await client.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'm', 'S') and n.nspname !~ '^(pg_|information_schema)' order by 1`,
  );
  const tables = all.filter(({ name }) => !except.includes(name));
  const values = new Set<string>();
  const lines: string[] = [];
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: string; plain: string }>(
      `select row_to_json(t)::text as row, t::text as plain from ${name} t`,
    );
    for (const { row, plain } of rows) {
      lines.push(row, plain);
      for (const leaf of leavesOf(JSON.parse(row))) for (const value of readingsOf(leaf)) values.add(value);
    }
  }
  await client.end();
  return {
    tables: tables.map(({ name }) => name),
    text: [...lines, ...values].join('\n'),
    values: [...values],
  };
}

function leavesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [key, ...leavesOf(member)]);
}

/** A value as it stands, and as what it may be an encoding of. */
function readingsOf(leaf: string): string[] {
  if (/^\\x([0-9a-f]{2})*$/.test(leaf)) {
    const bytes = Buffer.from(leaf.slice(2), 'hex');
    return [leaf.slice(2), bytes.toString('utf8'), bytes.toString('base64'), bytes.toString('base64url')];
  }
  const parts = leaf.split('.').filter((part) => /^[\w+/=-]{16,}$/.test(part));
  return [leaf, ...parts.flatMap((part) => [part, Buffer.from(part, 'base64').toString('latin1')])];
}
