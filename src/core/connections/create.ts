import { type Context, inTransaction, type Tx } from '../../context.ts';
import { type AccountId, type ConnectionId, newId } from '../../kernel/ids.ts';
import { recordEvent } from '../audit/audit.ts';
import { hashSettings, needSecret, sealClientSecret } from './configuration.ts';
import { addConnectionKey } from './keys.ts';
import { makeKeysFor, type OwnKeys } from './own-keys.ts';
import { insertConnection } from './queries.ts';
import {
  type ConnectionSettings,
  defaultMapping,
  type Mapping,
  nothingPublished,
  type OidcPublished,
  type SamlPublished,
} from './settings.ts';

/** A connection of one protocol, with what belongs to it. */
export type NewConnection = {
  readonly accountId: AccountId;
  readonly label: string;
  readonly mapping?: Partial<Mapping>;
  /** The client secret of OpenID Connect; sealed before it is stored. */
  readonly secret?: string;
  readonly refreshAt?: Date | null;
  /** Who makes it: a user or a client. */
  readonly by?: string | undefined;
} & (
  | {
      readonly settings: Extract<ConnectionSettings, { kind: 'saml' }>;
      readonly published: SamlPublished;
    }
  | { readonly settings: Extract<ConnectionSettings, { kind: 'oidc' }>; readonly published?: OidcPublished }
);

/** Makes a connection, a draft. Its settings were parsed before. */
export async function createConnection(tx: Tx, connection: NewConnection): Promise<ConnectionId> {
  const { accountId, label, settings, secret, refreshAt = null } = connection;
  const id = newId('con', tx.now());
  const mapping = { ...defaultMapping, ...connection.mapping };
  const secretSealed = secret === undefined ? null : sealClientSecret(tx.config, id, secret);
  await insertConnection(tx, {
    id,
    accountId,
    label,
    settings,
    mapping,
    settingsHash: hashSettings({ settings, mapping, secretSealed }),
    secretSealed,
    published: connection.published ?? nothingPublished,
    refreshAt,
  });
  const details = { connection_id: id, kind: settings.kind, label };
  await recordEvent(tx, { type: 'connection.created', accountId, actorId: connection.by, details });
  return id;
}

/** Makes a connection and the keys of our own that it needs, in one transaction. Failure `invalid_input` without its secret. */
export async function establishConnection(ctx: Context, connection: NewConnection): Promise<ConnectionId> {
  const keys = await makeKeysFor(ctx, connection.settings);
  return inTransaction(ctx, (tx) => storeConnection(tx, connection, keys));
}

/** The same with keys that were made before: see `makeKeysFor`. Failure `invalid_input` without its secret. */
export async function storeConnection(
  tx: Tx,
  connection: NewConnection,
  keys: OwnKeys,
): Promise<ConnectionId> {
  needSecret(connection.settings, connection.secret !== undefined);
  const connectionId = await createConnection(tx, connection);
  for (const { use, made } of keys) await addConnectionKey(tx, { connectionId, use, state: 'current' }, made);
  return connectionId;
}
