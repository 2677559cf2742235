import type { Tx } from '../../context.ts';
import { hashSettings } from './configuration.ts';
import { findConnection } from './queries.ts';
import type { ConnectionId } from '../../kernel/ids.ts';

/**
 * The same secret, sealed by another key. The hash of the settings covers the sealed form, so it moves along: with it the
 * test that has passed, and tests that are under way. Does nothing when the secret is another one meanwhile. The caller
 * holds the row.
 */
export async function updateResealedSecret(
  tx: Tx,
  {
    id,
    before,
    secretSealed,
  }: { readonly id: string; readonly before: string; readonly secretSealed: string },
): Promise<boolean> {
  const connection = await findConnection(tx.db, id as ConnectionId);
  if (connection?.secretSealed !== before) return false;
  const { settings, mapping, settingsHash: hashBefore, testedHash } = connection;
  const settingsHash = hashSettings({ settings, mapping, secretSealed });
  const isTested = testedHash?.equals(hashBefore) === true;
  await tx.db
    .updateTable('connections')
    .set({ secretSealed, settingsHash, ...(isTested && { testedHash: settingsHash }) })
    .where('id', '=', connection.id)
    .execute();
  await tx.db
    .updateTable('connectionTests')
    .set({ settingsHash })
    .where('connectionId', '=', connection.id)
    .where('settingsHash', '=', hashBefore)
    .execute();
  return true;
}
