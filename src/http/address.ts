/** A path that can be decoded. A whole URL (`GET http://evil.test/logout`) would bring a host of its own into our links. */
export function isAddress(url: string): boolean {
  if (!url.startsWith('/')) return false;
  try {
    decodeURIComponent(url.split('?', 1)[0] ?? '');
    return true;
  } catch {
    return false;
  }
}
