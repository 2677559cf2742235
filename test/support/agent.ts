/** A browser without eyes: keeps cookies by path, follows redirects only when told, speaks JSON or HTML. */

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The absolute address of a redirect. */
  readonly location: string | undefined;
  readonly url: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers of every shape
  json(): any;
}

export interface Send {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>> | URLSearchParams;
  readonly body?: string | Uint8Array;
}

export class Agent {
  readonly origin: string;
  readonly #accept: string;
  #cookies: Cookie[] = [];

  constructor(origin: string, accept = 'application/json') {
    this.origin = origin;
    this.#accept = accept;
  }

  get cookies(): readonly Cookie[] {
    return this.#cookies;
  }

  set cookies(cookies: readonly Cookie[]) {
    this.#cookies = [...cookies];
  }

  async get(url: string, send: Send = {}): Promise<Answer> {
    return this.send(url, { method: 'GET', ...send });
  }

  async post(url: string, send: Send = {}): Promise<Answer> {
    return this.send(url, { method: 'POST', ...send, headers: { origin: this.origin, ...send.headers } });
  }

  async send(address: string, { method = 'GET', headers = {}, json, form, body }: Send): Promise<Answer> {
    const url = new URL(address, this.origin);
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: {
        accept: this.#accept,
        ...(this.#cookies.length > 0 && { cookie: this.#cookieHeader(url.pathname) }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(form !== undefined && { body: new URLSearchParams(form) }),
      ...(body !== undefined && { body: body as string }),
    });
    for (const line of response.headers.getSetCookie()) this.#store(line);
    const text = await response.text();
    const location = response.headers.get('location');
    return {
      status: response.status,
      headers: response.headers,
      text,
      location: location === null ? undefined : new URL(location, url).href,
      url: url.href,
      json: () => JSON.parse(text) as unknown,
    };
  }

  /** GETs, then follows redirects within the issuer; stops at the first that leaves it (to a client) or is a page. */
  async follow(url: string, send: Send = {}): Promise<Answer> {
    let answer = await this.get(url, send);
    for (let hops = 0; hops < 10 && answer.location?.startsWith(`${this.origin}/`); hops += 1) {
      if (new URL(answer.location).pathname.startsWith('/demo/')) break;
      answer = await this.get(answer.location, send);
    }
    return answer;
  }

  #cookieHeader(path: string): string {
    return this.#cookies
      .filter((cookie) => path === cookie.path || path.startsWith(cookie.path.replace(/\/?$/, '/')))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  #store(line: string): void {
    const [pair = '', ...attributes] = line.split(/; */);
    const [name = '', ...rest] = pair.split('=');
    const path = attributes.find((item) => /^path=/i.test(item))?.slice(5) ?? '/';
    const expires = attributes.find((item) => /^expires=/i.test(item))?.slice(8);
    this.#cookies = this.#cookies.filter((cookie) => cookie.name !== name || cookie.path !== path);
    const isOver = attributes.some((item) => /^max-age=0$/i.test(item));
    if (!isOver && (expires === undefined || Date.parse(expires) > Date.now()))
      this.#cookies.push({ name, value: rest.join('='), path });
  }
}
