/** Certificates of companies' sign-ins: none has ended, and none ends soon. */
import type { Context } from '../../context.ts';
import { listEndings } from '../../core/connections/connections.ts';
import { addSeconds, day } from '../../kernel/time.ts';
import { type Check, failed, type Finding, passed, warning } from './finding.ts';

const soonDays = 30;

export const connectionChecks: readonly Check[] = [
  { name: 'certificates', needsDatabase: true, look: lookAtCertificates },
];

async function lookAtCertificates({ db, now }: Context): Promise<Finding[]> {
  const endings = await listEndings(db, addSeconds(now(), soonDays * day));
  if (endings.length === 0)
    return [passed('certificates', `none of a live connection ends within ${soonDays} days`)];
  return endings.map(({ connectionId, whose, notAfter }) => {
    const [owner, remedy] =
      whose === 'ours'
        ? ['ours', `Run: doorward connection rotate-keys ${connectionId}`]
        : ['the identity provider’s', 'Have the company’s IT publish the next one.'];
    const isOver = notAfter <= now();
    const found = `${connectionId}: ${owner} ${isOver ? 'ended' : 'ends'} at ${notAfter.toISOString()}`;
    return isOver ? failed('certificates', found, remedy) : warning('certificates', found, remedy);
  });
}
