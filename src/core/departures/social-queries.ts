import type { Tx } from '../../context.ts';
import type { Db } from '../../db/connect.ts';
import type { SocialProvider } from '../identities/identities.ts';

export interface SocialRow {
  readonly idHash: Buffer;
  readonly provider: SocialProvider;
  readonly browserHash: Buffer;
  readonly sealed: string;
  readonly answerSealed: string | null;
}

const columns = ['idHash', 'provider', 'browserHash', 'sealed', 'answerSealed'] as const;

export async function insertSocialDeparture(
  tx: Tx,
  departure: Omit<SocialRow, 'answerSealed'> & { readonly expiresAt: Date },
): Promise<void> {
  await tx.db.insertInto('socialDepartures').values(departure).execute();
}

/** By primary key. */
export async function findSocialRow(db: Db, idHash: Buffer, now: Date): Promise<SocialRow | undefined> {
  const row = await db
    .selectFrom('socialDepartures')
    .select(columns)
    .where('idHash', '=', idHash)
    .where('expiresAt', '>', now)
    .executeTakeFirst();
  return row as SocialRow | undefined;
}

/** Single use in one statement, and by the right browser. */
export async function consumeSocialRow(
  tx: Tx,
  { idHash, browserHash }: Pick<SocialRow, 'idHash' | 'browserHash'>,
): Promise<SocialRow | undefined> {
  const row = await tx.db
    .deleteFrom('socialDepartures')
    .where('idHash', '=', idHash)
    .where('browserHash', '=', browserHash)
    .where('expiresAt', '>', tx.now())
    .returning(columns)
    .executeTakeFirst();
  return row as SocialRow | undefined;
}

export async function updateAnswer(
  tx: Tx,
  { idHash, provider, answerSealed }: Pick<SocialRow, 'idHash' | 'provider'> & { answerSealed: string },
): Promise<boolean> {
  const result = await tx.db
    .updateTable('socialDepartures')
    .set({ answerSealed })
    .where('idHash', '=', idHash)
    .where('provider', '=', provider)
    .where('answerSealed', 'is', null)
    .where('expiresAt', '>', tx.now())
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}
