/** The social providers as they are configured: each is on when its settings are there, and half of them is a mistake. */
import { createECDH, createHash, createPrivateKey } from 'node:crypto';
import type { SettingName, SettingValues } from './settings.ts';

interface Place {
  /** Where a rehearsal server stands in for the provider; undefined for the provider itself. */
  readonly baseUrl: string | undefined;
}

export interface SocialClient extends Place {
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface FacebookClient extends SocialClient {
  /** Such as v25.0: what an answer looks like depends on it. */
  readonly graphVersion: string;
}

export interface AppleClient extends Place {
  /** The Services ID. */
  readonly clientId: string;
  readonly teamId: string;
  readonly keyId: string;
  /** PKCS #8, PEM, of P-256: signs the client secrets. */
  readonly privateKey: string;
}

/** Those that are on. */
export interface SocialClients {
  readonly google?: SocialClient;
  readonly microsoft?: SocialClient;
  readonly linkedin?: SocialClient;
  readonly facebook?: FacebookClient;
  readonly apple?: AppleClient;
  readonly github?: SocialClient;
}

/** What a provider needs; FACEBOOK_GRAPH_VERSION has a default. */
const needed = {
  google: ['GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_SECRET'],
  microsoft: ['MICROSOFT_CLIENT_ID', 'MICROSOFT_CLIENT_SECRET'],
  linkedin: ['LINKEDIN_CLIENT_ID', 'LINKEDIN_CLIENT_SECRET'],
  facebook: ['FACEBOOK_CLIENT_ID', 'FACEBOOK_CLIENT_SECRET'],
  apple: ['APPLE_CLIENT_ID', 'APPLE_TEAM_ID', 'APPLE_KEY_ID', 'APPLE_PRIVATE_KEY'],
  github: ['GITHUB_CLIENT_ID', 'GITHUB_CLIENT_SECRET'],
} as const satisfies Record<keyof SocialClients, readonly SettingName[]>;
type Provider = keyof typeof needed;

/** Who we are at a rehearsal server: as public as the server is. */
const rehearsal = { clientId: 'doorward-demo', clientSecret: 'rehearsal-secret' };

export interface SocialOptions {
  /** Where the demo has its own rehearsal server; undefined outside of the demo. */
  readonly demoUrl: string | undefined;
}

/**
 * With SOCIAL_URL all six are on, and played there. In the demo those without settings of their own are played by the
 * demo, so that every button leads somewhere.
 */
export function socialClients(values: SettingValues, { demoUrl }: SocialOptions): SocialClients {
  const entries = (Object.keys(needed) as Provider[]).map((provider) => {
    const isConfigured = needed[provider].every((name) => values[name] !== undefined);
    const place = values.SOCIAL_URL ?? (isConfigured ? undefined : demoUrl);
    const isOn = isConfigured || place !== undefined;
    const baseUrl = place === undefined ? undefined : `${place}/${provider}`;
    return [provider, isOn ? clientOf(provider, { values, isConfigured, baseUrl }) : undefined];
  });
  return Object.fromEntries(entries.filter(([, client]) => client !== undefined)) as SocialClients;
}

function clientOf(
  provider: Provider,
  {
    values,
    isConfigured,
    baseUrl,
  }: Place & { readonly values: SettingValues; readonly isConfigured: boolean },
): object {
  if (provider === 'apple') {
    const { APPLE_CLIENT_ID: clientId, APPLE_TEAM_ID: teamId, APPLE_KEY_ID: keyId } = values;
    const client = { clientId, teamId, keyId, privateKey: values.APPLE_PRIVATE_KEY };
    return { baseUrl, ...(isConfigured ? client : rehearsalApple()) };
  }
  const [id, secret] = needed[provider];
  return {
    baseUrl,
    ...(isConfigured ? { clientId: values[id], clientSecret: values[secret] } : rehearsal),
    ...(provider === 'facebook' && { graphVersion: values.FACEBOOK_GRAPH_VERSION }),
  };
}

/** A key that every process makes alike, from nothing secret: it opens nothing but the rehearsal. */
export function rehearsalApple(): Omit<AppleClient, 'baseUrl'> {
  const d = createHash('sha256').update(rehearsal.clientSecret).digest();
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(d);
  const point = curve.getPublicKey();
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    d: d.toString('base64url'),
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  };
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' });
  const { clientId } = rehearsal;
  return { clientId, teamId: 'REHEARSAL0', keyId: 'REHEARSAL1', privateKey: String(privateKey) };
}

/** `isSet`: whether somebody wanted to set it, be the value right or wrong. */
export function socialProblems(
  values: SettingValues,
  { isSet, production }: { readonly isSet: (name: SettingName) => boolean; readonly production: boolean },
): string[] {
  const problems = Object.values(needed).flatMap((names: readonly SettingName[]) => {
    const missing = names.filter((name) => !isSet(name));
    const given = names.filter((name) => isSet(name)).join(' and ');
    return given === '' ? [] : missing.map((name) => `${name} is missing, since ${given} is set`);
  });
  if (production && values.SOCIAL_URL !== undefined)
    problems.push('SOCIAL_URL is for rehearsals: whoever is there says who everybody is');
  return problems;
}
