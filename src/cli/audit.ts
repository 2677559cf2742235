import {
  type EventRow,
  type KnownSeal,
  listEvents,
  type TrailFault,
  type TrailReport,
  verifyTrail,
} from '../core/audit/audit.ts';
import { answerRows } from './answer.ts';
import type { Command } from './command.ts';
import { getAccountBySlug, getUserByEmail } from './find.ts';
import { limitOf, WrongUse } from './given.ts';
import { withProgress } from './progress.ts';

/** The audit trail, as an operator reads and proves it. */
export const auditCommands: Readonly<Record<string, Command>> = {
  'audit verify': {
    words: '[<number>:<hash>]',
    about:
      'Proves that no event was changed, taken away or slipped in; since a seal that the log has told of, too.',
    example: 'audit verify',
    endsWith1: 'when the trail does not fit',
    flags: ['progress'],
    async run({ db }, given) {
      const [seal] = given.words;
      const known = seal === undefined ? undefined : parseKnown(seal);
      const report = await withProgress(given, (say) =>
        verifyTrail(db, known, ({ seals, of, events }) => say(`${seals} of ${of} seals, ${events} events`)),
      );
      const { fault, last, ...counts } = report;
      const text = fault ? textOfFault(fault) : textOfReport(report);
      const data = { whole: !fault, ...counts, last: last ? sealText(last) : null, fault: fault ?? null };
      return { text, data, exitCode: fault ? 1 : 0 };
    },
  },
  'audit list': {
    options: { account: '<slug>', user: '<email>', type: '<type>', case: '<id>', limit: '<n>' },
    about: 'Lists events, the newest first.',
    example: 'audit list --account acme --type sign_in.denied --limit 10',
    async run({ db }, given) {
      const [slug, email] = [given.one('account'), given.one('user')];
      const events = await listEvents(db, {
        accountId: slug === undefined ? undefined : (await getAccountBySlug(db, slug)).id,
        ofEverybody: true,
        userId: email === undefined ? undefined : (await getUserByEmail(db, email)).id,
        type: given.one('type'),
        caseId: given.one('case'),
        limit: limitOf(given),
      });
      return answerRows(events, cellsOf);
    },
  },
};

/** As the log and this command write it. */
function parseKnown(text: string): KnownSeal {
  const [, number, hash] = /^([1-9]\d{0,8}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (number === undefined || hash === undefined) throw new WrongUse(`${text} is not <number>:<hash>`);
  return { number: Number(number), hash: Buffer.from(hash, 'hex') };
}

function textOfReport({ seals, events, unsealed, last }: TrailReport): string {
  const since = `${unsealed} event(s) since are not sealed yet`;
  if (!last) return `There is no seal yet; ${since}.`;
  return `The trail is whole: ${seals} seal(s) over ${events} event(s); ${since}.\nThe last seal is ${sealText(last)}`;
}

function sealText({ number, hash }: KnownSeal): string {
  return `${number}:${hash.toString('hex')}`;
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

function cellsOf(event: EventRow): (string | null)[] {
  const { occurredAt, type, actorName, actorId, userName, userId, caseId, ip, details } = event;
  return [
    occurredAt.toISOString(),
    type,
    actorName ?? actorId,
    userName ?? userId,
    caseId,
    ip,
    JSON.stringify(details),
  ];
}
