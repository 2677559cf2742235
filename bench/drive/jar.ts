/** The cookies of one browser, by path. The rest of what cookies can say makes no difference on loopback. */
export class Jar {
  #cookies: { readonly name: string; readonly value: string; readonly path: string }[] = [];

  /** What this browser sends to a path. */
  header(path: string): string {
    return this.#cookies
      .filter((cookie) => isBelow(path, cookie.path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  /** Keeps what an answer sets, and forgets what it deletes. */
  store(lines: readonly string[]): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(/; */);
      const at = pair.indexOf('=');
      const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
      const path = valueOf(attributes, 'path') ?? '/';
      this.#cookies = this.#cookies.filter((cookie) => cookie.name !== name || cookie.path !== path);
      const expires = valueOf(attributes, 'expires');
      const isOver = valueOf(attributes, 'max-age') === '0' || (expires && Date.parse(expires) < Date.now());
      if (!isOver) this.#cookies.push({ name, value, path });
    }
  }
}

function isBelow(path: string, base: string): boolean {
  return path === base || path.startsWith(base.endsWith('/') ? base : `${base}/`);
}

function valueOf(attributes: readonly string[], name: string): string | undefined {
  return attributes.find((item) => item.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1);
}
