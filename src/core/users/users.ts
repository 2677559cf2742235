/** A person, one for each canonical email: invited → active ⇄ deactivated. */
import type { Tx } from '../../context.ts';
import type { EmailAddress } from '../../kernel/email-address.ts';
import { newId, type UserId } from '../../kernel/ids.ts';

export type UserState = 'invited' | 'active' | 'deactivated';

export interface NewUser {
  readonly email: EmailAddress;
  readonly name?: string | null;
  readonly locale?: string | null;
  readonly state: UserState;
  /** When the person last proved that the mailbox is theirs. */
  readonly emailVerifiedAt?: Date | null;
}

export async function createUser(tx: Tx, user: NewUser): Promise<UserId> {
  const now = tx.now();
  const id = newId('usr', now);
  await tx.db
    .insertInto('users')
    .values({ ...user, id, createdAt: now, updatedAt: now })
    .execute();
  return id;
}
