/** Tickets: how somebody who is signed in at an application sets out, in their browser, to link another identity. */
import type { Context } from '../../context.ts';
import { Failure } from '../../kernel/failures.ts';
import type { UserId } from '../../kernel/ids.ts';
import { open, seal } from '../../kernel/seal.ts';
import { addSeconds, minute } from '../../kernel/time.ts';
import { findDoors } from '../connections/connections.ts';
import type { Evidence } from '../credentials/credentials.ts';
import type { SocialProvider } from '../identities/identities.ts';
import { findUserEmail } from '../users/users.ts';
import { assertFreshByThemself } from './unlink.ts';

const ticketSeconds = 5 * minute;

/** Who links, and at which application they asked for it. */
export interface OwnLink {
  readonly userId: UserId;
  /** Of the session that asks. */
  readonly evidence: readonly Evidence[];
  readonly clientId: string;
}

/**
 * A sealed statement that this user has asked for it, for one provider and five minutes. It proves nothing about who
 * shows it: a browser that brings it must be signed in as that user besides. Failures `fresh_sign_in_required`,
 * `sso_required`, and `invalid_input` for a provider that is not configured.
 */
export async function issueLinkTicket(
  ctx: Context,
  { provider, link }: { readonly provider: SocialProvider; readonly link: OwnLink },
): Promise<{ readonly ticket: string; readonly expiresAt: Date }> {
  const { userId, evidence } = link;
  if (!(provider in ctx.config.social))
    throw new Failure('invalid_input', { fields: { provider: 'is not offered' } });
  const email = await findUserEmail(ctx.db, userId);
  if (email === undefined) throw new Failure('not_found');
  if ((await findDoors(ctx.db, { email, userId })).companyOnly) throw new Failure('sso_required');
  assertFreshByThemself(ctx, evidence);
  const expiresAt = addSeconds(ctx.now(), ticketSeconds);
  const statement = JSON.stringify({ link, expiresAt });
  return { ticket: seal(ctx.config.secretKeys, statement, placeOf(provider)), expiresAt };
}

export interface LinkTicket {
  readonly link: OwnLink;
  /** One that is over still says where its person came from. */
  readonly isOver: boolean;
}

/** What a ticket says; undefined for one that we did not make, or not for this provider. */
export function openLinkTicket(
  { config, now }: Context,
  { provider, ticket }: { readonly provider: SocialProvider; readonly ticket: string },
): LinkTicket | undefined {
  try {
    const statement = JSON.parse(open(config.secretKeys, ticket, placeOf(provider))) as Statement;
    return { link: statement.link, isOver: new Date(statement.expiresAt) <= now() };
  } catch {
    return undefined;
  }
}

interface Statement {
  readonly link: OwnLink;
  /** RFC 3339. */
  readonly expiresAt: string;
}

function placeOf(provider: SocialProvider): string {
  return `link_tickets/${provider}`;
}
