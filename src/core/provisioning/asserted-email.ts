import type { Db } from '../../db/connect.ts';
import { domainOf, type EmailAddress, parseEmail } from '../../kernel/email-address.ts';
import type { Refusal } from '../attempts/attempts.ts';
import type { Connection, MappedIdentity } from '../connections/connections.ts';
import { coveringDomain } from '../domains/domains.ts';

/** What the connection may assert: an address in a domain its account has proven, and is seen to have still. */
export async function judgeAssertedEmail(
  db: Db,
  connection: Pick<Connection, 'id'>,
  mapped: Pick<MappedIdentity, 'email'>,
): Promise<{ readonly email: EmailAddress; readonly domainId: string } | Refusal> {
  if (mapped.email === undefined) return { refused: 'email_missing' };
  const email = parseEmail(mapped.email);
  if (!email) return { refused: 'email_not_valid' };
  const emailDomain = domainOf(email);
  const domain = await coveringDomain(db, { connectionId: connection.id, emailDomain });
  if (!domain) return { refused: 'domain_not_allowed' };
  return domain.state === 'verified' ? { email, domainId: domain.id } : { refused: 'domain_stale' };
}
