/** doorward connection …: an account's company sign-in, from the first draft to the day it is required. */
import type { Context } from '../context.ts';
import {
  beginTest,
  type Connection,
  deleteConnection,
  disableConnection,
  enableConnection,
  findConnection,
  listConnections,
} from '../core/connections/connections.ts';
import { listAttempts } from '../core/attempts/attempts.ts';
import type { ConnectionId } from '../kernel/ids.ts';
import { inSnakeCase } from './answer.ts';
import type { Called } from './called.ts';
import type { Answer, Command } from './command.ts';
import { bind, changeTo, pilot, require, rotate, unbind } from './connection-change.ts';
import {
  change,
  changeOptions,
  createOidc,
  createSaml,
  oidcOptions,
  samlOptions,
} from './connection-create.ts';
import { dataOf, describe, handOver, lineOf, lineOfAttempt } from './connection-show.ts';
import { getAccountBySlug } from './find.ts';
import { type Given, limitOf } from './given.ts';

const sampleId = 'con_01kc8x4q7n0000000000000000';

/** What there is to do with the connections of an account. */
export const connectionCommands: Readonly<Record<string, Command>> = {
  'connection create-saml': {
    words: '<account>',
    options: samlOptions,
    about: 'Makes a draft of a SAML connection, from metadata by address or as a file.',
    example: "connection create-saml acme --label 'Acme' --metadata-url https://idp.example/metadata",
    run: async (ctx, given) => created(ctx, await createSaml(ctx, given)),
  },
  'connection create-oidc': {
    words: '<account>',
    options: oidcOptions,
    required: ['issuer', 'client-id'],
    about: 'Makes a draft of an OpenID Connect connection.',
    example:
      'connection create-oidc acme --issuer https://idp.example --client-id abc --secret-file secret.txt',
    run: async (ctx, given) => created(ctx, await createOidc(ctx, given)),
  },
  'connection list': {
    words: '<account>',
    about: 'Lists an account’s connections.',
    example: 'connection list acme',
    run: list,
  },
  'connection show': ofOne(
    { about: 'What to hand over, and how things are.', example: `connection show ${sampleId}` },
    describe,
  ),
  'connection change': ofOne(
    {
      options: changeOptions,
      about: 'Changes it; then it has to be tested.',
      example: `connection change ${sampleId} --metadata-file metadata.xml`,
    },
    change,
  ),
  'connection bind': ofOne(
    {
      words: '<domain>',
      options: { priority: '<n>', address: '<email>…' },
      about: 'Sends the people of a domain there.',
      example: `connection bind ${sampleId} acme.example`,
    },
    bind,
  ),
  'connection unbind': ofOne(
    {
      words: '<domain>',
      flags: ['yes'],
      about: 'Sends them there no more.',
      example: `connection unbind ${sampleId} acme.example --yes`,
    },
    unbind,
  ),
  'connection test': ofOne(
    { about: 'Prints a link to try it out.', example: `connection test ${sampleId}` },
    test,
  ),
  'connection pilot': ofOne(
    {
      words: '<email>…',
      about: 'Sends these people there.',
      example: `connection pilot ${sampleId} ann@acme.example ben@acme.example`,
    },
    pilot,
  ),
  'connection enable': ofOne(
    { about: 'Sends everybody of its domains there.', example: `connection enable ${sampleId}` },
    changeTo('enabled', enableConnection),
  ),
  'connection require': ofOne(
    {
      options: { 'break-glass': '<email>…' },
      required: ['break-glass'],
      flags: ['yes'],
      about: 'Leaves the password to one or two admins.',
      example: `connection require ${sampleId} --break-glass ann@acme.example --yes`,
    },
    require,
  ),
  'connection disable': ofOne(
    { flags: ['yes'], about: 'Sends nobody there.', example: `connection disable ${sampleId} --yes` },
    changeTo('disabled', disableConnection, 'nobody will come in by it, those on their way neither.'),
  ),
  'connection delete': ofOne(
    {
      flags: ['yes'],
      about: 'Forgets it, and who its people are there.',
      example: `connection delete ${sampleId} --yes`,
    },
    changeTo('deleted', deleteConnection, 'it and who its people are there will be forgotten.'),
  ),
  'connection attempts': ofOne(
    {
      options: { limit: '<n>' },
      about: 'The last sign-ins, and what stopped them.',
      example: `connection attempts ${sampleId} --limit 10`,
    },
    attempts,
  ),
  'connection rotate-keys': ofOne(
    {
      flags: ['yes'],
      about: 'Publishes our next keys; the second time it puts them to use, and asks first.',
      example: `connection rotate-keys ${sampleId}`,
    },
    rotate,
  ),
};

/** A command for one connection, whose id is the first word. */
function ofOne(
  called: Called,
  work: (ctx: Context, connection: Connection, given: Given) => Promise<string | Answer>,
): Command {
  return {
    ...called,
    words: ['<id>', called.words].filter(Boolean).join(' '),
    async run(ctx, given) {
      const connection = await getConnection(ctx, given.words[0]);
      const answer = await work(ctx, connection, given);
      if (typeof answer !== 'string') return answer;
      const after = await findConnection(ctx.db, connection.id);
      return { text: answer, data: after ? dataOf(ctx, after) : { id: connection.id, state: 'deleted' } };
    },
  };
}

async function getConnection(ctx: Context, id = ''): Promise<Connection> {
  const connection = await findConnection(ctx.db, id as ConnectionId);
  if (!connection) throw new Error(`there is no connection ${id}`);
  return connection;
}

async function created(ctx: Context, id: ConnectionId): Promise<Answer> {
  const connection = await getConnection(ctx, id);
  const steps = ['For the company’s IT:', ...handOver(ctx, connection).map((line) => `  ${line}`)];
  const text = `${lineOf(connection)}\n\n${steps.join('\n')}\n\nThen: doorward connection test ${id}`;
  return { text, data: dataOf(ctx, connection) };
}

async function list(ctx: Context, { words: [slug] }: Given): Promise<Answer> {
  const account = await getAccountBySlug(ctx.db, slug);
  const connections = await listConnections(ctx.db, account.id);
  const text = connections.map(lineOf).join('\n') || `${account.name} has no connections.`;
  return { text, data: connections.map((connection) => dataOf(ctx, connection)) };
}

async function test(ctx: Context, { id }: Connection): Promise<Answer> {
  const link = await beginTest(ctx, { connectionId: id });
  const text = `${link}\n\nThe link works once, for ten minutes, in any browser. It signs nobody in.`;
  return { text, data: { id, link } };
}

async function attempts(ctx: Context, { id, accountId }: Connection, given: Given): Promise<Answer> {
  const rows = await listAttempts(ctx.db, { accountId, connectionId: id, limit: limitOf(given) });
  const text = rows.map(lineOfAttempt).join('\n') || 'Nobody has tried yet.';
  return { text, data: rows.map(inSnakeCase) };
}
