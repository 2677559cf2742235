import type { HomeRealm } from '../connections/connections.ts';

/** What is known of whoever has typed a password. */
export interface Knock {
  /** The email and the password belong together. */
  readonly isProven: boolean;
  /** They keep their password although the company's sign-in is required. */
  readonly breaksGlass: boolean;
}

/**
 * Why a password is not let in, if it is not. Where the domain requires its company's sign-in everybody is told so,
 * whether the password was right or not.
 */
export function refusalOfPassword(
  { requiredBy }: Pick<HomeRealm, 'requiredBy'>,
  { isProven, breaksGlass }: Knock,
): 'sso_required' | 'invalid_credentials' | undefined {
  if (requiredBy && !(isProven && breaksGlass)) return 'sso_required';
  return isProven ? undefined : 'invalid_credentials';
}
