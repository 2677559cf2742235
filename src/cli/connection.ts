/** doorward connection …: an account's company sign-in, from the first draft to the day it is required. */
import type { Context } from '../context.ts';
import { findAccountBySlug } from '../core/accounts/accounts.ts';
import {
  beginTest,
  type Connection,
  deleteConnection,
  disableConnection,
  enableConnection,
  findConnection,
  listConnections,
} from '../core/connections/connections.ts';
import type { ConnectionId } from '../kernel/ids.ts';
import type { Command } from './command.ts';
import { bind, changeTo, pilot, require, rotate, unbind } from './connection-change.ts';
import {
  change,
  changeOptions,
  createOidc,
  createSaml,
  oidcOptions,
  samlOptions,
} from './connection-create.ts';
import { attemptsOf, describe, handOver, lineOf } from './connection-show.ts';
import { sayWhyNot } from './failure-text.ts';
import { type Given, readGiven } from './given.ts';

/** What there is to do with the connections of an account. */
export const connectionCommands: Readonly<Record<string, Command>> = {
  'connection create-saml': command(
    {
      usage: 'create-saml <account> --metadata-url <url> | --metadata-file <file>',
      about: 'Makes a draft of a SAML connection.',
      options: samlOptions,
    },
    async (ctx, given) => created(ctx, await createSaml(ctx, given)),
  ),
  'connection create-oidc': command(
    {
      usage: 'create-oidc <account> --issuer <url> --client-id <id> --secret-file <file>',
      about: 'Makes a draft of an OpenID Connect connection.',
      options: oidcOptions,
    },
    async (ctx, given) => created(ctx, await createOidc(ctx, given)),
  ),
  'connection list': command({ usage: 'list <account>', about: 'Lists an account’s connections.' }, list),
  'connection show': ofOne({ usage: 'show <id>', about: 'What to hand over, and how things are.' }, describe),
  'connection change': ofOne(
    {
      usage: 'change <id> [--settings <file>] [--mapping <file>]',
      about: 'Changes it; then it has to be tested.',
      options: changeOptions,
    },
    change,
  ),
  'connection bind': ofOne(
    {
      usage: 'bind <id> <domain>',
      about: 'Sends the people of a domain there.',
      words: [2, 2],
      options: ['priority', 'address'],
    },
    bind,
  ),
  'connection unbind': ofOne(
    { usage: 'unbind <id> <domain>', about: 'Sends them there no more.', words: [2, 2] },
    unbind,
  ),
  'connection test': ofOne({ usage: 'test <id>', about: 'Prints a link to try it out.' }, test),
  'connection pilot': ofOne(
    { usage: 'pilot <id> <email>…', about: 'Sends these people there.', words: [2, Infinity] },
    pilot,
  ),
  'connection enable': ofOne(
    { usage: 'enable <id>', about: 'Sends everybody of its domains there.' },
    changeTo('enabled', enableConnection),
  ),
  'connection require': ofOne(
    {
      usage: 'require <id> --break-glass <email>…',
      about: 'Leaves the password to one or two admins.',
      words: [1, 3],
      options: ['break-glass'],
    },
    require,
  ),
  'connection disable': ofOne(
    { usage: 'disable <id>', about: 'Sends nobody there.' },
    changeTo('disabled', disableConnection),
  ),
  'connection delete': ofOne(
    { usage: 'delete <id>', about: 'Forgets it, and who its people are there.' },
    changeTo('deleted', deleteConnection),
  ),
  'connection attempts': ofOne(
    { usage: 'attempts <id>', about: 'The last sign-ins, and what stopped them.' },
    attempts,
  ),
  'connection rotate-keys': ofOne(
    { usage: 'rotate-keys <id>', about: 'Publishes our next keys, or uses them.' },
    rotate,
  ),
};

interface Usage {
  readonly usage: string;
  readonly about: string;
  /** How many words there may be besides options; one where it is left out. */
  readonly words?: readonly [least: number, most: number];
  readonly options?: readonly string[];
}

function command(
  { usage, about, words: [least, most] = [1, 1], options = [] }: Usage,
  work: (ctx: Context, given: Given) => Promise<string>,
): Command {
  return {
    usage: `connection ${usage}`,
    about,
    async run({ ctx }, args) {
      const given = readGiven(args, options);
      const { length } = given.words;
      if (length < least || length > most) throw new Error(`usage: doorward connection ${usage}`);
      return work(ctx, given).catch(sayWhyNot);
    },
  };
}

/** A command for one connection, whose id is the first word. */
function ofOne(
  usage: Usage,
  work: (ctx: Context, connection: Connection, given: Given) => Promise<string>,
): Command {
  return command(usage, async (ctx, given) => work(ctx, await getConnection(ctx, given.words[0]), given));
}

async function getConnection(ctx: Context, id = ''): Promise<Connection> {
  const connection = await findConnection(ctx.db, id as ConnectionId);
  if (!connection) throw new Error(`there is no connection ${id}`);
  return connection;
}

async function created(ctx: Context, id: ConnectionId): Promise<string> {
  const connection = await getConnection(ctx, id);
  const steps = ['For the company’s IT:', ...handOver(ctx, connection).map((line) => `  ${line}`)];
  return `${lineOf(connection)}\n\n${steps.join('\n')}\n\nThen: doorward connection test ${id}`;
}

async function list(ctx: Context, { words: [slug = ''] }: Given): Promise<string> {
  const account = await findAccountBySlug(ctx.db, slug);
  if (!account) throw new Error(`there is no account ${slug}`);
  const connections = await listConnections(ctx.db, account.id);
  return connections.length === 0
    ? `${account.name} has no connections.`
    : connections.map(lineOf).join('\n');
}

async function test(ctx: Context, { id }: Connection): Promise<string> {
  const link = await beginTest(ctx, { connectionId: id });
  return `${link}\n\nThe link works once, for ten minutes, in any browser. It signs nobody in.`;
}

async function attempts(ctx: Context, connection: Connection): Promise<string> {
  const lines = await attemptsOf(ctx, connection, 50);
  return lines.length === 0 ? 'Nobody has tried yet.' : lines.join('\n');
}
