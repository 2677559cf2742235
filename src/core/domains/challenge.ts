/** The record that proves a domain, and the look for it in the DNS. */
import { randomBytes } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import type { Context } from '../../context.ts';
import { challengeLabel } from './name.ts';
import type { Domain } from './queries.ts';

export interface ChallengeRecord {
  readonly type: 'TXT';
  readonly name: string;
  readonly value: string;
}

/** 128 random bits: the record of another claim never proves this one. */
export function newChallenge(): string {
  return randomBytes(16).toString('hex');
}

/** What its owner puts into the DNS of the domain. */
export function challengeRecord({ name, challenge }: Pick<Domain, 'name' | 'challenge'>): ChallengeRecord {
  return { type: 'TXT', name: `${challengeLabel}.${name}`, value: `doorward-verification=${challenge}` };
}

/** `unknown`: a server did not answer or could not find out, or they do not agree. It says nothing about the record. */
export type Sighting = 'seen' | 'missing' | 'unknown';

/**
 * Asks every DNS server of the settings for the record; each by itself, so that one that was lied to is found out.
 * Takes six seconds at most and never throws.
 */
export async function lookForChallenge(ctx: Context, domain: Domain): Promise<Sighting> {
  const record = challengeRecord(domain);
  const answers = await Promise.all(ctx.config.dnsResolvers.map((server) => askServer(server, record)));
  const [first = 'unknown'] = answers;
  return answers.every((answer) => answer === first) ? first : 'unknown';
}

/** Two tries of two seconds each. */
const patience = { timeout: 2000, maxTimeout: 2000, tries: 2 };
/** Whatever a server does to keep us busy: an answer in drops over TCP, say. */
const deadlineMs = 6000;

/** A name, or a record of this type, that there is not: an answer. Everything else is none. */
const absent: readonly unknown[] = ['ENOTFOUND', 'ENODATA'];

async function askServer(server: string, { name, value }: ChallengeRecord): Promise<Sighting> {
  const resolver = new Resolver(patience); // a new one each time: it would remember answers
  resolver.setServers([server]);
  const deadline = setTimeout(() => {
    resolver.cancel();
  }, deadlineMs);
  try {
    // a message of the DNS has 64 KiB at most, and an alias is followed by the server (RFC 1034 §3.6.2)
    const records = await resolver.resolveTxt(name);
    // a long text comes in pieces of up to 255 bytes, wherever they were cut (RFC 1035 §3.3.14)
    return records.some((pieces) => pieces.join('') === value) ? 'seen' : 'missing';
  } catch (error) {
    return absent.includes((error as NodeJS.ErrnoException).code) ? 'missing' : 'unknown';
  } finally {
    clearTimeout(deadline);
  }
}
