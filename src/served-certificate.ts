/** What a server shows of itself before anything is sent to it: looked at by the rules of everything outgoing (fetch.ts). */
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { type SafeFetchOptions, vetUrl, vettingLookup } from './fetch.ts';

export interface ServedCertificate {
  readonly notAfter: Date;
  /** Why whoever connects refuses it, as a code such as CERT_HAS_EXPIRED; undefined when they do not. */
  readonly fault: string | undefined;
}

/**
 * The certificate at an https address, judged by the authorities that this process trusts, as is all it fetches. Rejects with
 * RefusedRequest what is not allowed, and when no certificate comes.
 */
export function readServedCertificate(
  address: string,
  options: SafeFetchOptions,
): Promise<ServedCertificate> {
  const url = vetUrl(address, options);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const socket = connect({
    ...{ host, port: Number(url.port || 443), lookup: vettingLookup(options), minVersion: 'TLSv1.2' },
    ...(isIP(host) === 0 && { servername: host }),
    // so that one that is refused can be looked at: nothing is sent
    rejectUnauthorized: false,
  });
  return new Promise<ServedCertificate>((resolve, reject) => {
    socket.setTimeout(options.timeoutMs ?? 5000, () =>
      reject(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })),
    );
    socket.on('error', reject);
    socket.once('secureConnect', () => {
      const shown = shownBy(socket);
      if (shown) resolve(shown);
      else reject(new Error('no certificate came'));
    });
  }).finally(() => socket.destroy());
}

function shownBy(socket: TLSSocket): ServedCertificate | undefined {
  const notAfter = socket.getPeerX509Certificate()?.validToDate;
  // a code, whatever its type says
  const fault = socket.authorized ? undefined : String(socket.authorizationError);
  return notAfter && { notAfter, fault };
}
