/** The settings and the mapping of a connection, out of whatever was handed in. */
import { Failure } from '../../kernel/failures.ts';
import type { ProductId } from '../../kernel/ids.ts';
import {
  clientAuthMethods,
  type ConnectionSettings,
  defaultMapping,
  idpInitiatedModes,
  idTokenAlgorithms,
  type Mapping,
  type OidcSettings,
  type SamlSettings,
  signaturePolicies,
} from './settings.ts';
import {
  flag,
  isObject,
  several,
  oneOf,
  orNull,
  type Parser,
  parseShape,
  type Shape,
  table,
  text,
  withDefault,
} from './shape.ts';

export interface ParseRules {
  /** Addresses are https, on its own port; elsewhere http will do, for identity providers on the same machine. */
  readonly production: boolean;
}

/** What was left out has its default. Failure `invalid_input` with every field that is wrong. */
export function parseSettings(input: unknown, rules: ParseRules): ConnectionSettings {
  const kind = isObject(input) ? input['kind'] : undefined;
  if (kind === 'saml') return parseSaml(input, rules);
  if (kind === 'oidc') return parseOidc(input, rules);
  throw new Failure('invalid_input', { fields: { kind: 'is not one of saml, oidc' } });
}

function parseSaml(input: unknown, rules: ParseRules): SamlSettings {
  const shape: Shape<SamlSettings> = {
    kind: oneOf(['saml']),
    entityId: entityId,
    metadataUrl: withDefault(orNull(address(rules)), null),
    signaturePolicy: withDefault(oneOf(signaturePolicies), 'either'),
    subject: withDefault(samlSubject, { from: 'name_id' }),
    idpInitiated: withDefault(oneOf(idpInitiatedModes), 'restart'),
    idpInitiatedClients: withDefault(several(text(200), { max: 50 }), []),
    encryption: withDefault(flag, false),
    refuseExpiredCertificates: withDefault(flag, false),
  };
  const settings = parseShape(input, shape);
  if (settings.idpInitiated === 'allow' && settings.idpInitiatedClients.length === 0)
    throw new Failure('invalid_input', {
      fields: { idpInitiatedClients: 'is empty, so there is no way on' },
    });
  return settings;
}

function parseOidc(input: unknown, rules: ParseRules): OidcSettings {
  const shape: Shape<OidcSettings> = {
    kind: oneOf(['oidc']),
    issuer: issuer(rules),
    clientId: text(500),
    clientAuth: withDefault(oneOf(clientAuthMethods), 'client_secret_post'),
    idTokenAlgorithm: withDefault(oneOf(idTokenAlgorithms), 'RS256'),
    scopes: withDefault(scopes, ['openid', 'profile', 'email']),
    subject: withDefault(several(text(200), { min: 1, max: 4 }), ['sub']),
    tenants: withDefault(several(text(200), { max: 100 }), []),
  };
  const settings = parseShape(input, shape);
  if (servesManyTenants(settings.issuer) && settings.tenants.length === 0)
    throw new Failure('invalid_input', { fields: { tenants: 'is empty, and the issuer serves everybody' } });
  return settings;
}

/** nOAuth: whoever has a tenant of their own there could assert any address, unless the tenants are named. */
function servesManyTenants(issuer: string): boolean {
  return /^https:\/\/login\.microsoftonline\.com\/(common|organizations|consumers|%7btenantid%7d|\{tenantid\})\//i.test(
    issuer,
  );
}

/** What is left out is as before, or as the default has it. */
export function parseMapping(input: unknown, before: Mapping = defaultMapping): Mapping {
  const names = several(text(500), { max: 20 });
  const products = several(productId, { max: 50 });
  const shape: Shape<Mapping> = {
    email: names,
    name: names,
    givenName: names,
    familyName: names,
    groups: orNull(text(500)),
    roles: table(role, 500),
    roleCeiling: role,
    products: table(products, 500),
    everybodysProducts: products,
    mode: oneOf(['authoritative', 'additive']),
    provisioning: oneOf(['just_in_time', 'invited_only']),
  };
  if (!isObject(input)) throw new Failure('invalid_input', { fields: { mapping: 'is not an object' } });
  return parseShape({ ...before, ...input }, shape);
}

/** FD-11: the only roles an identity provider can ever give; those of operators are not among them. */
const role = oneOf(['admin', 'agent']);

const productId: Parser<ProductId> = (input) =>
  typeof input === 'string' && /^prd_[0-9a-z]{1,40}$/.test(input)
    ? { value: input as ProductId }
    : { problem: 'is not the id of a product' };

/** A URI, in practice any text (SAML Core §8.3.6); at most what the link of a person to it can hold. */
const entityId: Parser<string> = (input) => {
  const parsed = text(1000)(input);
  return 'value' in parsed && /\s/.test(parsed.value) ? { problem: 'has blanks in it' } : parsed;
};

const samlSubject: Parser<SamlSettings['subject']> = (input) => {
  if (!isObject(input)) return { problem: 'is not an object' };
  if (input['from'] === 'name_id') return { value: { from: 'name_id' } };
  const name = text(500)(input['name']);
  if (input['from'] !== 'attribute' || 'problem' in name)
    return { problem: 'is neither the NameID nor a named attribute' };
  return { value: { from: 'attribute', name: name.value } };
};

/** RFC 6749 §3.3; without `openid` there is no ID token. */
const scopes: Parser<readonly string[]> = (input) => {
  const parsed = several(text(200), { min: 1, max: 20 })(input);
  if ('problem' in parsed) return parsed;
  if (!parsed.value.every((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)))
    return { problem: 'has an entry that is not a scope' };
  return parsed.value.includes('openid') ? parsed : { problem: 'is without openid' };
};

/** As written, and not as a URL would be normalised: identity providers compare it letter by letter. */
function address({ production }: ParseRules): Parser<string> {
  return (input) => {
    const parsed = text(1000)(input);
    if ('problem' in parsed) return parsed;
    const url = URL.parse(parsed.value);
    const isHttp = url?.protocol === 'http:' && !production;
    if (!url || !(url.protocol === 'https:' || isHttp)) return { problem: 'is not an https address' };
    if (url.username !== '' || url.password !== '' || url.hash !== '')
      return { problem: 'has credentials or a fragment in it' };
    return production && url.port !== '' ? { problem: 'has a port of its own' } : parsed;
  };
}

/** OpenID Connect Discovery §3: no query; and the address of the document is not that of the issuer. */
function issuer(rules: ParseRules): Parser<string> {
  return (input) => {
    const parsed = address(rules)(input);
    if ('problem' in parsed) return parsed;
    return /\?|\/\.well-known\//.test(parsed.value)
      ? { problem: 'is not an issuer: it has a query or names a document' }
      : parsed;
  };
}
