import type { DB } from '../../db/schema.ts';
import type { retentions } from './rules.ts';

type Pruned = (typeof retentions)[number]['table'];

/** The tables that are not pruned, and why. One that is in neither list does not compile. */
export const kept: Readonly<Record<Exclude<keyof DB, Pruned>, string>> = {
  events:
    'The audit trail only grows: the service’s role cannot delete from it, and each seal covers every event before it. Whoever must shorten it does so as the owner of the table, and the proof says so from then on.',
  eventSeals: 'Each is the proof of all events up to it, and the next one hangs on it.',
  accounts: 'Customers; a closed one is kept for its trail.',
  users: 'People, also those who are switched off.',
  memberships: 'Until they are ended.',
  passwords: 'One for each person, replaced when it is changed.',
  products: 'What the vendor sells.',
  subscriptions: 'What a customer has bought, also when it has ended.',
  seats: 'Who uses what; a seat that has ended is the account’s history.',
  seatRequests: 'Who asked for what and what was decided; they go with the membership.',
  clients: 'The products’ own, and those of services.',
  domains: 'What an account has proven, also when it was released.',
  connections: 'Until they are deleted.',
  connectionDomains: 'They go with their connection or domain.',
  connectionKeys: 'They go with their connection, or when the next ones are used.',
  invitationProducts: 'They go with their invitation.',
  passwordResets: 'They go with their request.',
  keyHolders: 'One for each running replica: it goes with it, or when it was not seen for half a minute.',
  keyUses:
    'One for each key of SECRET_KEYS and COOKIE_KEYS that was ever used: when, and what is left of it.',
  timelines: 'One for each fail-over or restore: without it the next one would not be noticed.',
  signingKeys:
    'The job that replaces old keys deletes a key a day after it was published for the last time: see core/keys.',
};
