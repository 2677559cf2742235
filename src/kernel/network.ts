import ipaddr from 'ipaddr.js';

/**
 * The network of an address, as a name: whoever has one address of it has them all. That is the address itself for
 * IPv4 (also where it is written as IPv6), and the first 64 bits for IPv6.
 */
export function networkOf(ip: string | undefined): string {
  if (ip === undefined || !ipaddr.isValid(ip)) return 'unknown';
  const address = ipaddr.process(ip);
  return address instanceof ipaddr.IPv6 ? `${address.parts.slice(0, 4).join(':')}/64` : address.toString();
}
