/**
 * The two documents a provider publishes: of its metadata and keys only what is used is taken over, and only in a form
 * that can be stored and shown. Whatever else stands in them ends here.
 */
import type { JWK } from 'jose';
import { z } from 'zod';
import type { OidcSettings } from '../../core/connections/connections.ts';
import { refuse } from './refusing.ts';
import { isIssuerOf } from './tenants.ts';

const text = z
  .string()
  .max(2000)
  .regex(/^[\x20-\x7e]+$/);
const texts = z.array(text).max(100);

/** @see OpenID Connect Discovery §3 */
const metadataSchema = z.object({
  issuer: text,
  authorization_endpoint: text,
  token_endpoint: text,
  jwks_uri: text,
  userinfo_endpoint: text.optional(),
  code_challenge_methods_supported: texts.optional(),
  token_endpoint_auth_methods_supported: texts.optional(),
  authorization_response_iss_parameter_supported: z.boolean().optional(),
});
export type Metadata = z.output<typeof metadataSchema>;

/** @see RFC 7517 §4 */
const keySchema = z.object({
  kty: text,
  kid: text.optional(),
  use: text.optional(),
  key_ops: texts.optional(),
  alg: text.optional(),
  crv: text.optional(),
  x: text.optional(),
  y: text.optional(),
  n: text.optional(),
  e: text.optional(),
  /** Of whose tokens it may be alone, where many companies share a document (Entra ID). */
  issuer: text.optional(),
});
const keysSchema = z.object({ keys: z.array(z.unknown()).max(200) });
export interface Keys {
  readonly keys: JWK[];
}

/** Refuses what is not the metadata of exactly this issuer, with addresses of the kind that may be asked. */
export function readMetadata(
  document: unknown,
  { settings, allowHttp }: { readonly settings: OidcSettings; readonly allowHttp: boolean },
): Metadata {
  const parsed = metadataSchema.safeParse(document);
  if (!parsed.success)
    return refuse('oidc_metadata', `the metadata has no usable ${String(parsed.error.issues[0]?.path[0])}`);
  const metadata = parsed.data;
  // mix-up: another issuer's document would bring that one's addresses and keys (OpenID Connect Discovery §4.3)
  if (!isIssuerOf(metadata.issuer, settings)) refuse('oidc_metadata', 'the metadata is of another issuer');
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint'] as const) {
    const address = metadata[name];
    if (address !== undefined && !isUsable(address, allowHttp))
      refuse('oidc_metadata', `the ${name} is no https address`);
  }
  return metadata;
}

function isUsable(address: string, allowHttp: boolean): boolean {
  const url = URL.parse(address);
  if (url?.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (allowHttp && url.protocol === 'http:');
}

/** A key that cannot be read is left out: it must not take the others along. */
export function readKeys(document: unknown): Keys {
  const parsed = keysSchema.safeParse(document);
  if (!parsed.success) return refuse('oidc_id_token', 'the key document is none');
  const keys = parsed.data.keys.map((key) => keySchema.safeParse(key).data);
  return { keys: keys.filter((key) => key !== undefined) as JWK[] };
}
