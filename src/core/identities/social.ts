import type { ExternalIdentity } from '../connections/connections.ts';

/** The identity providers that people bring themselves; each is switched on by its settings. */
export const socialProviders = ['google', 'microsoft', 'linkedin', 'facebook', 'apple', 'github'] as const;
export type SocialProvider = (typeof socialProviders)[number];

/** As they call themselves, in every language. */
export const providerNames: Readonly<Record<SocialProvider, string>> = {
  google: 'Google',
  microsoft: 'Microsoft',
  linkedin: 'LinkedIn',
  facebook: 'Facebook',
  apple: 'Apple',
  github: 'GitHub',
};

/**
 * What an asserted address is worth. `authoritative`: the provider runs the mailbox, or has it from who does;
 * `verified_once`: it was proven to the provider at some time; `none`: anybody could have typed it.
 */
export type EmailTrust = 'authoritative' | 'verified_once' | 'none';

/** Who somebody is at a social provider. The address never selects a user: see core/linking. */
export interface SocialIdentity extends ExternalIdentity {
  readonly provider: SocialProvider;
  /** As asserted, not canonical yet; absent where the provider has none, or none that it stands for. */
  readonly email?: string;
  readonly emailTrust: EmailTrust;
  readonly name?: string;
}

export function isSocialProvider(text: string): text is SocialProvider {
  return (socialProviders as readonly string[]).includes(text);
}
