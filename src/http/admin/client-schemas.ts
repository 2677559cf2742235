/** What clients look like in the interface. Whether a client fits together is for the core to say. */
import { z } from 'zod';
import {
  applicationTypes,
  authMethods,
  clientIdPattern,
  type ClientRow,
  type ClientSettings,
  type ClientWithSecret,
  grantTypes as knownGrantTypes,
} from '../../core/clients/clients.ts';
import { idOf, name, shownId, shownTime, shownTimeOrNull, time } from './schemas.ts';

const clientId = z
  .string()
  .regex(clientIdPattern)
  .meta({ description: 'Of your choice; made up where it is left out.', examples: ['assist-web'] });

export const clientParams = z.object({
  client_id: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,100}$/)
    .meta({ examples: ['assist-web'] }),
});

const uri = z.string().min(1).max(2000);
const uris = (example: string) =>
  z
    .array(uri)
    .max(100)
    .transform((all) => [...new Set(all)])
    .meta({ examples: [[example]] });
const uriOrNull = uri.nullable().meta({ examples: ['https://assist.test/'] });
/** What scopes and resource indicators are made of (RFC 6749 §3.3, RFC 8707 §2). A NUL among it the database would refuse. */
const visible = /^[\x21-\x7e]+$/;
const names = z
  .array(z.string().min(1).max(500).regex(visible))
  .max(200)
  .transform((all) => [...new Set(all)]);

const base64url = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[\w-]+=*$/);

const jwk = z.strictObject({
  kty: z.enum(['EC', 'OKP', 'RSA']),
  kid: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u)
    .optional(),
  use: z.literal('sig').optional(),
  key_ops: z.array(z.literal('verify')).max(1).optional(),
  alg: z.string().max(20).regex(visible).optional(),
  crv: z.string().max(20).optional(),
  x: base64url(200).optional(),
  y: base64url(200).optional(),
  n: base64url(1400).optional(),
  e: base64url(10).optional(),
});

const exampleKey = {
  kty: 'OKP',
  crv: 'Ed25519',
  kid: 'one',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
};

/** Public keys alone: a member that only a private key has is refused like every unknown one. */
const jwks = z
  .strictObject({ keys: z.array(jwk).min(1).max(20) })
  .nullable()
  .meta({
    description: 'Public keys for `private_key_jwt`; or `jwks_uri`.',
    examples: [null, { keys: [exampleKey] }],
  });

const authMethod = z.enum(authMethods);
const grantTypes = z
  .array(z.enum(knownGrantTypes))
  .max(3)
  .transform((all) => [...new Set(all)])
  .meta({ examples: [['authorization_code', 'refresh_token']] });

/** What an operator sets, as it is sent. */
export const writable = {
  name,
  product_id: idOf('prd')
    .nullable()
    .meta({ description: 'Whose seats it asks for; null asks for none.', examples: [null] }),
  required_role: z
    .literal('admin')
    .nullable()
    .meta({ description: 'Who may enter it.', examples: [null] }),
  first_party: z.boolean().meta({ description: 'Ours: nobody is asked for consent.' }),
  application_type: z.enum(applicationTypes),
  auth_method: authMethod.meta({
    description: 'How it proves itself; `none` is a public client.',
    examples: ['client_secret_basic'],
  }),
  jwks,
  jwks_uri: uriOrNull.meta({ examples: [null] }),
  grant_types: grantTypes,
  redirect_uris: uris('https://assist.test/callback').meta({
    description:
      'Compared letter by letter; https, or http to loopback. Native clients: loopback (any port) or a scheme that is a domain name backwards.',
  }),
  post_logout_redirect_uris: uris('https://assist.test/signed-out'),
  backchannel_logout_uri: uriOrNull,
  initiate_login_uri: uriOrNull,
  home_uri: uriOrNull,
  sign_up_uri: uriOrNull,
  logo_uri: uriOrNull,
  scopes: names.meta({
    description: 'Of its resources; and `offline_access`.',
    examples: [['offline_access']],
  }),
  resources: names.meta({
    description: 'The resources of products, or of this interface, for which it may ask tokens (RFC 8707).',
    examples: [[]],
  }),
  id_token_signed_response_alg: z.enum(['ES256', 'RS256']),
  require_pushed_authorization_requests: z.boolean().meta({ examples: [false] }),
  dpop_bound_access_tokens: z.boolean().meta({ examples: [false] }),
  pkce_waived: z
    .boolean()
    .meta({ description: 'For confidential clients that cannot do PKCE.', examples: [false] }),
};

const { name: _name, first_party: _party, auth_method: _method, grant_types: _grants, ...others } = writable;

export const newClient = z.strictObject({
  client_id: clientId.optional(),
  name,
  first_party: writable.first_party,
  auth_method: writable.auth_method,
  grant_types: writable.grant_types,
  ...z.strictObject(others).partial().shape,
});

export const client = z
  .strictObject({
    client_id: z.string().meta({ examples: ['assist-web'] }),
    ...writable,
    product_id: shownId('prd').nullable(),
    grant_types: z.array(z.string()),
    redirect_uris: z.array(z.string()),
    post_logout_redirect_uris: z.array(z.string()),
    scopes: z.array(z.string()),
    resources: z.array(z.string()),
    previous_secret_until: time
      .nullable()
      .meta({ description: 'Until when the secret before the present one works.', examples: [null] }),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'Client' });

export const clientWithSecret = client
  .extend({
    client_secret: z
      .string()
      .nullable()
      .meta({
        description: 'Made just now and never shown again; null when none was made.',
        examples: ['b1Vn0cMZcTgxHfZ7mC1qkLr3hqJ8oZ0d2yXw5sVt9uE'],
      }),
  })
  .meta({ id: 'ClientWithSecret' });

type Writable = z.output<z.ZodObject<typeof writable>>;
type Shown = z.output<typeof client>;

/** The same under the core's names; what was left out is undefined. */
export function settingsOf(body: { readonly [Name in keyof Writable]?: Writable[Name] | undefined }): {
  [Name in keyof ClientSettings]: ClientSettings[Name] | undefined;
} {
  return {
    name: body.name,
    productId: body.product_id,
    requiredRole: body.required_role,
    firstParty: body.first_party,
    applicationType: body.application_type,
    authMethod: body.auth_method,
    jwks: body.jwks,
    jwksUri: body.jwks_uri,
    grantTypes: body.grant_types,
    redirectUris: body.redirect_uris,
    postLogoutRedirectUris: body.post_logout_redirect_uris,
    backchannelLogoutUri: body.backchannel_logout_uri,
    initiateLoginUri: body.initiate_login_uri,
    homeUri: body.home_uri,
    signUpUri: body.sign_up_uri,
    logoUri: body.logo_uri,
    scopes: body.scopes,
    resources: body.resources,
    idTokenSignedResponseAlg: body.id_token_signed_response_alg,
    requirePushedAuthorizationRequests: body.require_pushed_authorization_requests,
    dpopBoundAccessTokens: body.dpop_bound_access_tokens,
    pkceWaived: body.pkce_waived,
  };
}

export function show(row: ClientRow): Shown {
  return {
    client_id: row.clientId,
    name: row.name,
    product_id: row.productId,
    required_role: row.requiredRole,
    first_party: row.firstParty,
    application_type: row.applicationType,
    auth_method: row.authMethod,
    jwks: row.jwks as Shown['jwks'],
    jwks_uri: row.jwksUri,
    grant_types: [...row.grantTypes],
    redirect_uris: [...row.redirectUris],
    post_logout_redirect_uris: [...row.postLogoutRedirectUris],
    backchannel_logout_uri: row.backchannelLogoutUri,
    initiate_login_uri: row.initiateLoginUri,
    home_uri: row.homeUri,
    sign_up_uri: row.signUpUri,
    logo_uri: row.logoUri,
    scopes: [...row.scopes],
    resources: [...row.resources],
    id_token_signed_response_alg: row.idTokenSignedResponseAlg,
    require_pushed_authorization_requests: row.requirePushedAuthorizationRequests,
    dpop_bound_access_tokens: row.dpopBoundAccessTokens,
    pkce_waived: row.pkceWaived,
    previous_secret_until: shownTimeOrNull(row.previousSecretUntil),
    created_at: shownTime(row.createdAt),
    updated_at: shownTime(row.updatedAt),
  };
}

export function showWithSecret({ client: row, secret }: ClientWithSecret): z.output<typeof clientWithSecret> {
  return { ...show(row), client_secret: secret };
}

export function withoutSecret({
  client_secret: _secret,
  ...shown
}: z.output<typeof clientWithSecret>): Shown {
  return shown;
}
