/** The certificate of the issuer: whoever signs in is shown it first, and refuses everything with it. */
import type { Context } from '../../context.ts';
import { RefusedRequest } from '../../fetch.ts';
import { day } from '../../kernel/time.ts';
import { readServedCertificate, type ServedCertificate } from '../../served-certificate.ts';
import { type Check, failed, type Finding, passed, reasonOf, warning } from './finding.ts';

/** Whoever renews by a machine does so a month before. */
const soonDays = 14;

export const tlsChecks: readonly Check[] = [{ name: 'TLS', needsDatabase: false, look: lookAtCertificate }];

async function lookAtCertificate({ config, now }: Context): Promise<Finding[]> {
  const { issuer, production } = config;
  if (!issuer.startsWith('https:'))
    return [{ name: 'TLS', status: 'skipped', found: 'ISSUER begins with http:' }];
  const { host } = new URL(issuer);
  try {
    const served = await readServedCertificate(issuer, { allowLoopbackAndHttp: !production });
    return [judge(served, host, now())];
  } catch (error) {
    return [unseen(host, error)];
  }
}

function judge({ notAfter, fault }: ServedCertificate, host: string, now: Date): Finding {
  if (fault !== undefined) {
    const [found, remedy] = faults[fault] ?? [`is not trusted (${fault})`, untrusted];
    return failed('TLS', `the certificate of ${host} ${found}`, remedy);
  }
  const days = Math.floor((notAfter.getTime() - now.getTime()) / 1000 / day);
  const found = `the certificate of ${host} ends in ${days} days, at ${notAfter.toISOString()}`;
  return days < soonDays ? warning('TLS', found, renew) : passed('TLS', found);
}

const renew = 'Renew it, and have the proxy read it anew.';
const untrusted =
  'Have the proxy show the whole chain. An authority of your own is named by NODE_EXTRA_CA_CERTS here.';
const faults: Readonly<Record<string, readonly [found: string, remedy: string]>> = {
  CERT_HAS_EXPIRED: ['has ended', renew],
  CERT_NOT_YET_VALID: ['is not valid yet', 'Is this machine’s clock right?'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'is for another name',
    'Have the proxy show the one for the host of ISSUER.',
  ],
};

function unseen(host: string, error: unknown): Finding {
  if (error instanceof RefusedRequest) {
    const remedy = 'Nothing may be wrong: look at the address from outside.';
    return warning('TLS', `${host} is not looked at from here: ${error.message}`, remedy);
  }
  return failed('TLS', `${host} shows no certificate: ${reasonOf(error)}`, 'Is the proxy running?');
}
