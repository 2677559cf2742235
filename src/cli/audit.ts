import type { Context } from '../context.ts';
import { findAccountBySlug } from '../core/accounts/accounts.ts';
import {
  type EventRow,
  type KnownSeal,
  listEvents,
  type TrailFault,
  type TrailReport,
  verifyTrail,
} from '../core/audit/audit.ts';
import { findUserByEmail } from '../core/users/users.ts';
import { parseEmail } from '../kernel/email-address.ts';
import type { AccountId, UserId } from '../kernel/ids.ts';
import type { Command } from './command.ts';
import { readGiven } from './given.ts';
import { limitOf, printable } from './list.ts';

const listUsage =
  'audit list [--account <slug>] [--user <email>] [--type <type>] [--case <id>] [--limit <n>]';

/** The audit trail, as an operator reads and proves it. */
export const auditCommands: Readonly<Record<string, Command>> = {
  'audit verify': {
    usage: 'audit verify [<number>:<hash>]',
    about: 'Proves that no event was changed, taken away or slipped in.',
    async run({ ctx }, [known, ...more]) {
      if (more.length > 0) throw new Error('usage: doorward audit verify [<number>:<hash>]');
      const report = await verifyTrail(ctx.db, known === undefined ? undefined : parseKnown(known));
      if (report.fault) throw new Error(textOfFault(report.fault));
      return textOfReport(report);
    },
  },
  'audit list': {
    usage: listUsage,
    about: 'Lists events, the newest first.',
    async run({ ctx }, args) {
      const given = readGiven(args, ['account', 'user', 'type', 'case', 'limit']);
      if (given.words.length > 0) throw new Error(`usage: doorward ${listUsage}`);
      const events = await listEvents(ctx.db, {
        accountId: await accountOf(ctx, given.one('account')),
        userId: await userOf(ctx, given.one('user')),
        type: given.one('type'),
        caseId: given.one('case'),
        limit: limitOf(given),
      });
      return events.length > 0 ? events.map(lineOf).join('\n') : 'none';
    },
  },
};

/** As the log and this command write it. */
function parseKnown(text: string): KnownSeal {
  const [, number, hash] = /^([1-9]\d{0,8}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (number === undefined || hash === undefined) throw new Error(`${text} is not <number>:<hash>`);
  return { number: Number(number), hash: Buffer.from(hash, 'hex') };
}

function textOfReport({ seals, events, unsealed, last }: TrailReport): string {
  const since = `${unsealed} event(s) since are not sealed yet`;
  if (!last) return `There is no seal yet; ${since}.`;
  const seal = `${last.number}:${last.hash.toString('hex')}`;
  return `The trail is whole: ${seals} seal(s) over ${events} event(s); ${since}.\nThe last seal is ${seal}`;
}

const problems: Readonly<Record<TrailFault['problem'], string>> = {
  seal_missing: 'is missing',
  event_missing: 'does not fit: an event is missing',
  event_added: 'does not fit: an event was slipped in',
  changed: 'does not fit: an event was changed, or the seal itself',
};

function textOfFault({ seal, problem, afterId, upToId }: TrailFault): string {
  const range = `after ${afterId ?? 'the beginning'}${upToId === undefined ? '' : `, up to ${upToId}`}`;
  return `seal ${seal} ${problems[problem]} (${range})`;
}

async function accountOf(ctx: Context, slug: string | undefined): Promise<AccountId | undefined> {
  if (slug === undefined) return undefined;
  const account = await findAccountBySlug(ctx.db, slug);
  if (!account) throw new Error(`there is no account ${slug}`);
  return account.id;
}

async function userOf(ctx: Context, text: string | undefined): Promise<UserId | undefined> {
  if (text === undefined) return undefined;
  const email = parseEmail(text);
  const user = email && (await findUserByEmail(ctx.db, email));
  if (!user) throw new Error(`there is no user ${text}`);
  return user.id;
}

function lineOf(event: EventRow): string {
  const { occurredAt, type, actorName, actorId, userName, userId, caseId, ip, details } = event;
  const [actor, user] = [actorName ?? actorId ?? '-', userName ?? userId ?? '-'];
  const names = [actor, user].map(printable);
  return [occurredAt.toISOString(), type, ...names, caseId ?? '-', ip ?? '-', JSON.stringify(details)].join(
    '\t',
  );
}
