/** The way to one server: kept-alive connections, and answers as they are. */
import { Pool } from 'undici';
import type { Jar } from './jar.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Path and query of a redirect: absolute addresses name the public origin, which is somewhere else. */
  readonly location: string | undefined;
  readonly retryAfter: string | undefined;
}

export interface Sending {
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly jar?: Jar;
}

export class Wire {
  readonly #pool: Pool;

  constructor(origin: string) {
    this.#pool = new Pool(origin, { connections: 512, keepAliveTimeout: 60_000, headersTimeout: 30_000 });
  }

  get(path: string, sending: Sending = {}): Promise<Answer> {
    return this.#send('GET', path, sending);
  }

  post(path: string, sending: Sending): Promise<Answer> {
    return this.#send('POST', path, sending);
  }

  put(path: string, sending: Sending): Promise<Answer> {
    return this.#send('PUT', path, sending);
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #send(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    { headers, form, json, jar }: Sending,
  ): Promise<Answer> {
    const cookie = jar?.header(path.split('?', 1)[0] ?? path);
    const type = form ? 'application/x-www-form-urlencoded' : 'application/json';
    const answer = await this.#pool.request({
      method,
      path,
      headers: {
        ...((form ?? json) !== undefined && { 'content-type': type }),
        ...(cookie && { cookie }),
        ...headers,
      },
      ...(form && { body: new URLSearchParams(form).toString() }),
      ...(json !== undefined && { body: JSON.stringify(json) }),
    });
    const { statusCode: status, headers: got, body } = answer;
    const text = await body.text();
    jar?.store([got['set-cookie'] ?? []].flat());
    const { location: to } = got as { readonly location?: string };
    const location = to === undefined ? undefined : pathOf(to);
    return { status, text, location, retryAfter: got['retry-after'] as string | undefined };
  }
}

export function pathOf(address: string): string {
  if (address.startsWith('/')) return address;
  const { pathname, search } = new URL(address);
  return `${pathname}${search}`;
}

/** Throws what was answered instead. */
export function expectStatus(answer: Answer, status: number): Answer {
  if (answer.status === status) return answer;
  throw new Error(`answered ${answer.status}, not ${status}: ${answer.text.slice(0, 300)}`);
}

/** Where to; throws what was answered instead. */
export function expectRedirect(answer: Answer): string {
  const { status, location } = answer;
  if ((status === 302 || status === 303) && location !== undefined) return location;
  throw new Error(`answered ${status}, and nowhere to go: ${answer.text.slice(0, 300)}`);
}

/** A member of a JSON answer that must be there. */
export function memberOf(answer: Answer, name: string): string {
  const value = (JSON.parse(answer.text) as Record<string, unknown>)[name];
  if (typeof value === 'string') return value;
  throw new Error(`the answer has no ${name}: ${answer.text.slice(0, 300)}`);
}
