import { z } from 'zod';
import type { Context } from '../../context.ts';
import { type Connection, findConnection } from '../../core/connections/connections.ts';
import { socialProviders } from '../../core/identities/identities.ts';
import { Failure } from '../../kernel/failures.ts';
import type { ConnectionId } from '../../kernel/ids.ts';

/** A connection's id as it stands in an address. */
export const connectionParams = z.object({
  id: z
    .string()
    .regex(/^con_[0-9a-z]{26}$/)
    .transform((id) => id as ConnectionId),
});

/** Who calls back: a connection, or a social provider. */
export const callerParams = z.object({ id: z.union([connectionParams.shape.id, z.enum(socialProviders)]) });

/** The connection of an address, if it speaks this protocol. Failure `not_found`. */
export async function getConnection<Kind extends Connection['kind']>(
  ctx: Context,
  id: ConnectionId,
  kind: Kind,
): Promise<Extract<Connection, { kind: Kind }>> {
  const connection = await findConnection(ctx.db, id);
  if (connection?.kind !== kind) throw new Failure('not_found');
  return connection as Extract<Connection, { kind: Kind }>;
}
