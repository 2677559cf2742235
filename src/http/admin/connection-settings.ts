/** The settings of a connection on the wire and in the core: the one place that knows both names of a member. */
import type { ConnectionSettings, Mapping } from '../../core/connections/connections.ts';
import { Failure } from '../../kernel/failures.ts';
import type {
  mappingMembers,
  oidcMembers,
  oidcSource,
  samlMembers,
  samlSource,
} from './connection-members.ts';
import type { JsonMembers } from './merge-patch.ts';

/** On the wire → in the core. */
type Names = Readonly<Record<string, string>>;

const samlSourceNames = { entity_id: 'entityId', metadata_url: 'metadataUrl' } as const satisfies Record<
  keyof typeof samlSource,
  string
>;
const oidcSourceNames = { issuer: 'issuer', client_id: 'clientId' } as const satisfies Record<
  keyof typeof oidcSource,
  string
>;
const samlNames = {
  signature_policy: 'signaturePolicy',
  subject: 'subject',
  idp_initiated: 'idpInitiated',
  idp_initiated_clients: 'idpInitiatedClients',
  encryption: 'encryption',
  refuse_expired_certificates: 'refuseExpiredCertificates',
} as const satisfies Record<keyof typeof samlMembers, string>;
const oidcNames = {
  client_auth: 'clientAuth',
  id_token_algorithm: 'idTokenAlgorithm',
  scopes: 'scopes',
  subject: 'subject',
  tenants: 'tenants',
} as const satisfies Record<keyof typeof oidcMembers, string>;
const mappingNames = {
  email: 'email',
  name: 'name',
  given_name: 'givenName',
  family_name: 'familyName',
  groups: 'groups',
  roles: 'roles',
  role_ceiling: 'roleCeiling',
  products: 'products',
  everybodys_products: 'everybodysProducts',
  mode: 'mode',
  provisioning: 'provisioning',
} as const satisfies Record<keyof typeof mappingMembers, keyof Mapping>;

type Of<Kind extends ConnectionSettings['kind']> = Extract<ConnectionSettings, { kind: Kind }>;

/** The settings as they are shown, and as a patch is laid over them. */
export function showSaml(settings: Of<'saml'>) {
  return { ...toWire(samlSourceNames, settings), settings: toWire(samlNames, settings) };
}

export function showOidc(settings: Of<'oidc'>) {
  return { ...toWire(oidcSourceNames, settings), settings: toWire(oidcNames, settings) };
}

export function showMapping(mapping: Mapping) {
  return toWire(mappingNames, mapping);
}

interface GivenSettings extends JsonMembers {
  readonly settings?: JsonMembers | undefined;
}

/** What the core's `parseSettings` takes; a name that is no member of this kind stays, and is refused there. */
export function settingsFromWire(kind: ConnectionSettings['kind'], given: GivenSettings): JsonMembers {
  const { settings = {}, ...source } = given;
  const [sourceTable, table] = kind === 'saml' ? [samlSourceNames, samlNames] : [oidcSourceNames, oidcNames];
  return { kind, ...fromWire(sourceTable, source), ...fromWire(table, settings) };
}

export function mappingFromWire(given: JsonMembers): JsonMembers {
  return fromWire(mappingNames, given);
}

type Writable<Value> = Value extends readonly (infer Item)[]
  ? Item[]
  : Value extends object
    ? { -readonly [Member in keyof Value]: Writable<Value[Member]> }
    : Value;

type Shown<Table extends Names, Value> = {
  -readonly [Wire in keyof Table]: Table[Wire] extends keyof Value ? Writable<Value[Table[Wire]]> : never;
};

function toWire<const Table extends Names, Value extends object>(
  table: Table,
  value: Value,
): Shown<Table, Value> {
  const members = new Map<string, unknown>(Object.entries(value));
  const shown = Object.entries(table).map(([wire, member]) => [wire, members.get(member)] as const);
  return Object.fromEntries(shown) as unknown as Shown<Table, Value>;
}

function fromWire(table: Names, given: JsonMembers): JsonMembers {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  const named = entries.map(([wire, value]) => {
    const member = Object.hasOwn(table, wire) ? table[wire] : undefined;
    return [member ?? wire, value] as const;
  });
  return Object.fromEntries(named);
}

/** What the core calls a field, and where it stands in a body. */
const places = new Map<string, string>([
  ...placesIn({ ...samlSourceNames, ...oidcSourceNames, client_secret: 'secret', break_glass: 'breakGlass' }),
  ...placesIn({ ...samlNames, ...oidcNames }, 'settings.'),
  ...placesIn(mappingNames, 'mapping.'),
]);

function placesIn(table: Names, before = ''): [string, string][] {
  return Object.entries(table).map(([wire, member]) => [member, `${before}${wire}`]);
}

/** Does the work; what the core says about its fields is said about the members of the body. */
export async function inWireWords<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Failure) || !error.fields) throw error;
    const fields = Object.entries(error.fields).map(([field, problem]) => [
      places.get(field) ?? field,
      problem,
    ]);
    const { code, detail } = error;
    throw new Failure(code, {
      ...(detail !== undefined && { detail }),
      fields: Object.fromEntries(fields) as Record<string, string>,
      cause: error,
    });
  }
}
