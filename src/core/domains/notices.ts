import type { Tx } from '../../context.ts';
import type { AccountId } from '../../kernel/ids.ts';
import { getAccountName } from '../accounts/accounts.ts';
import { type EventType, recordEvent } from '../audit/audit.ts';
import { mailAdmins } from '../memberships/memberships.ts';
import type { MailTemplates } from '../outbox/outbox.ts';
import type { Domain } from './queries.ts';

/** The event of a domain, in the trail of its account. */
export async function recordOf(
  tx: Tx,
  { id, accountId, name }: Pick<Domain, 'id' | 'accountId' | 'name'>,
  event: { readonly type: EventType; readonly actor?: string | null | undefined; readonly details?: object },
): Promise<void> {
  const details = { domain_id: id, name, ...event.details };
  await recordEvent(tx, { type: event.type, accountId, actorId: event.actor, details });
}

type DomainMail = Extract<keyof MailTemplates, `domain_${string}`>;

/** To every active admin of the account, each in their own language. */
export async function tellAdmins<Template extends DomainMail>(
  tx: Tx,
  accountId: AccountId,
  mail: { template: Template; data: Omit<MailTemplates[Template]['data'], 'account'> },
): Promise<void> {
  const data = { ...mail.data, account: await getAccountName(tx.db, accountId) };
  await mailAdmins<Template>(tx, accountId, { template: mail.template, data });
}
