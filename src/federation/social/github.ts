/**
 * GitHub: OAuth 2.0 and its REST API. Its complaints come with status 200, and only the address that it calls primary
 * and verified is taken: the one in the profile is what the person wants others to see.
 * @see https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
 */
import type { SocialClient } from '../../../config/social.ts';
import type { Context } from '../../context.ts';
import { isRefusal } from '../connector.ts';
import { isText } from '../oidc/identity.ts';
import type { Judged } from '../oidc/refusing.ts';
import { askAny, askJson, isMembers, type Question } from './ask.ts';
import { fromProfile } from './identity.ts';
import { addressAt, type Dialect } from './provider.ts';

export function github({ clientId, clientSecret, baseUrl }: SocialClient): Dialect {
  const at = (path: string): string => addressAt(baseUrl, 'https://github.com', path);
  const issuer = at('/login/oauth');
  const api = addressAt(baseUrl, 'https://api.github.com', '');
  return {
    clientId,
    authorizeAt: at('/login/oauth/authorize'),
    tokenAt: at('/login/oauth/access_token'),
    scope: 'user:email',
    pkce: true,
    nonce: false,
    parameters: ({ forceAuthn }) => ({ ...(forceAuthn && { prompt: 'select_account' }) }),
    isIssuer: (iss) => iss === issuer,
    clientSecret: () => clientSecret,
    identify: async (ctx, { tokens: { access_token: token } }) => {
      if (!isText(token)) return { refused: 'oidc_token', detail: 'there is no access token' };
      const profile = await askJson(ctx, questionTo(`${api}/user`, token));
      if (isRefusal(profile)) return profile;
      const { id, name } = profile.answer;
      // not `login`: who gives up that name leaves it to the next
      if (!Number.isSafeInteger(id) || Number(id) <= 0) return { refused: 'oidc_subject', detail: 'id' };
      const email = await askForEmail(ctx, `${api}/user/emails?per_page=100`, token);
      if (isRefusal(email)) return email;
      return fromProfile(String(id), {
        provider: 'github',
        issuer,
        email: email.answer,
        emailTrust: 'verified_once',
        name,
      });
    },
  };
}

function questionTo(address: string, token: string): Question {
  const headers = {
    accept: 'application/vnd.github+json',
    authorization: `Bearer ${token}`,
    'x-github-api-version': '2022-11-28',
  };
  return { address, otherwise: 'oidc_userinfo', headers };
}

async function askForEmail(ctx: Context, address: string, token: string): Promise<Judged<unknown>> {
  const listed = await askAny(ctx, questionTo(address, token));
  if (isRefusal(listed)) return listed;
  const entries: unknown[] = Array.isArray(listed.answer) ? listed.answer : [];
  const primary = entries.filter(isMembers).find((entry) => entry['primary'] === true);
  return {
    answer: primary?.['verified'] === true && !isNoReply(primary['email']) ? primary['email'] : undefined,
  };
}

/** Made up by GitHub to hide the real one; mail to it goes nowhere. */
function isNoReply(email: unknown): boolean {
  return /@([\w-]+\.)*noreply\.github\.com$/i.test(String(email));
}
