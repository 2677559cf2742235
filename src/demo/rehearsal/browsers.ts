/** The browsers at the rehearsal identity providers: who is signed in, and which fault was switched on. */
import type { Context } from '../../context.ts';
import type { Wire } from '../../http/route.ts';
import { day } from '../../kernel/time.ts';
import { newToken } from '../../kernel/tokens.ts';
import type { Fault, Protocol } from './faults.ts';
import { createMemory } from './memory.ts';
import type { IdpName, Person } from './people.ts';

/** Somebody signed in at one of them: whoever comes again is not asked again. */
export interface IdpSession {
  readonly person: Person;
  readonly at: Date;
  readonly sid: string;
  /** The connections of OpenID Connect that were told of it, and are told when it ends. */
  readonly visited: Set<string>;
}

export interface Browser {
  fault: Fault | undefined;
  readonly sessions: Partial<Record<IdpName, IdpSession | undefined>>;
  /** What it brought back last: a SAML response, or a code. */
  readonly last: Partial<Record<Protocol, string>>;
}

export interface Browsers {
  /** The browser of a request; a new one gets its cookie with the reply. */
  of(wire: Wire): Browser;
}

export function createBrowsers({ config, now }: Pick<Context, 'config' | 'now'>): Browsers {
  const known = createMemory<Browser>(now, { seconds: day });
  const isSecure = config.issuer.startsWith('https:');
  const cookie = `${isSecure ? '__Secure-' : ''}doorward_demo_idp`;
  const value = new RegExp(`(?:^|; *)${cookie}=([\\w-]{43})(?:;|$)`);
  return {
    of({ request, reply }) {
      const found = known.find(value.exec(request.headers.cookie ?? '')?.[1] ?? '');
      if (found) return found;
      const browser: Browser = { fault: undefined, sessions: {}, last: {} };
      const attributes = `Path=/demo/idp; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
      void reply.header('set-cookie', `${cookie}=${known.put(browser)}; ${attributes}`);
      return browser;
    },
  };
}

export function newSession(person: Person, at: Date): IdpSession {
  return { person, at, sid: newToken().token, visited: new Set() };
}
