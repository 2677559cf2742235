/** Home-realm discovery: where an address belongs. Pure, and decided by the address alone: never by whether it has a user. */
import type { EmailAddress } from '../../kernel/email-address.ts';
import type { AccountId, ConnectionId } from '../../kernel/ids.ts';
import type { RouteRow } from './queries.ts';

export interface ConnectionChoice {
  readonly id: ConnectionId;
  readonly label: string;
}

export interface HomeRealm {
  /** No company: password or social. One: go there. Several: the person chooses. */
  readonly connections: readonly ConnectionChoice[];
  /** The account that has every other door closed for this domain. */
  readonly requiredBy: { readonly accountId: AccountId; readonly account: string } | undefined;
  /** Whose domain it is, where it has a live connection for this address. */
  readonly account: string | undefined;
}

function isAmong(listed: readonly string[], email: EmailAddress | undefined): boolean {
  return email !== undefined && listed.includes(email);
}

/** What a client may narrow it to. */
export interface Narrowing {
  readonly connectionId?: ConnectionId | undefined;
}

/**
 * Where an address is sent. A pilot takes the listed addresses and nobody else; connections for named addresses come
 * before those for all; of those the lowest priority is taken, and several of one priority are offered.
 */
export function discoverHome(
  routes: readonly RouteRow[],
  email: EmailAddress | undefined,
  { connectionId }: Narrowing = {},
): HomeRealm {
  const open = routes.filter(({ state, pilotEmails }) => state !== 'pilot' || isAmong(pilotEmails, email));
  const named = open.filter(({ addresses }) => addresses !== null && isAmong(addresses, email));
  const general = open.filter(({ addresses }) => addresses === null);
  const candidates = named.length > 0 ? named : general;
  const first = Math.min(...candidates.map(({ priority }) => priority));
  const best = candidates.filter(({ priority }) => priority === first);
  const hinted = candidates.filter((route) => route.connectionId === connectionId);
  const chosen = hinted.length > 0 ? hinted : best;
  const required = candidates.find(({ state }) => state === 'required');
  return {
    connections: chosen.map((route) => ({ id: route.connectionId, label: route.label })),
    requiredBy: required && { accountId: required.accountId, account: required.account },
    account: chosen[0]?.account,
  };
}
