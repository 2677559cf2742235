/** S39: certificates come and go, and there is always one to verify by. */
import t from 'tap';
import {
  type IdpCertificate,
  mergePublished,
  refreshSeconds,
  usableCertificates,
} from '../../src/core/connections/connections.ts';
import { changesOfPublished } from '../../src/core/connections/merge-published.ts';
import { endingsOf, warningStep } from '../../src/core/connections/warnings.ts';
import { addSeconds, day, hour } from '../../src/kernel/time.ts';
import { namedCertificate, publishedWith } from '../support/make-connection.ts';
import { pick, seeded } from '../support/worlds.ts';

const now = new Date('2026-03-01T12:00:00Z');
const later = (seconds: number): Date => addSeconds(now, seconds);
const namesOf = ({ certificates }: ReturnType<typeof publishedWith>): string[] =>
  certificates.map(({ fingerprint }) => fingerprint.replace(/0+$/, ''));
const [a, b, c] = [namedCertificate('a'), namedCertificate('b'), namedCertificate('c')];

t.test('a new certificate is taken at once, beside the old one', (t) => {
  const merged = mergePublished(publishedWith(a), publishedWith(a, b), now);
  t.same(merged, publishedWith(a, b));
  t.end();
});

t.test('one that has vanished is taken for seven days more, and then not', (t) => {
  const merged = mergePublished(publishedWith(a), publishedWith(b), now);
  t.match(merged.certificates, [
    { fingerprint: b.fingerprint, retiringSince: null },
    { fingerprint: a.fingerprint, retiringSince: now.toISOString() },
  ]);
  const still = mergePublished(merged, publishedWith(b), later(7 * day - 1));
  t.same(namesOf(still), ['b', 'a']);
  t.equal(still.certificates[1]?.retiringSince, now.toISOString(), 'the time runs from when it vanished');
  t.same(namesOf(mergePublished(still, publishedWith(b), later(7 * day))), ['b']);
  t.end();
});

t.test('when nothing can be fetched any more, what is retiring ends all the same', (t) => {
  const merged = mergePublished(publishedWith(a), publishedWith(b), now);
  t.same(usableCertificates(merged, later(7 * day - 1)).length, 2);
  t.same(usableCertificates(merged, later(7 * day)), [b]);
  t.end();
});

t.test('one that comes back is not retiring', (t) => {
  const merged = mergePublished(publishedWith(a), publishedWith(b), now);
  t.same(mergePublished(merged, publishedWith(b, a), later(day)), publishedWith(b, a));
  t.end();
});

t.test('metadata without a certificate takes none away', (t) => {
  t.same(mergePublished(publishedWith(a), publishedWith(), now), publishedWith(a));
  t.end();
});

t.test(
  'of an identity provider that changes its key all the time a few old ones are kept, the newest',
  (t) => {
    let published = publishedWith(a);
    for (let round = 0; round < 50; round += 1)
      published = mergePublished(published, publishedWith(namedCertificate(`c${round}x`)), later(round));
    t.equal(published.certificates.length, 11);
    t.same(namesOf(published).slice(0, 3), ['c49x', 'c48x', 'c47x']);
    t.end();
  },
);

t.test('whatever is published: all that is named is taken, nothing else is made up, and never none', (t) => {
  const random = seeded(39);
  const all = ['a', 'b', 'c', 'd', 'e'].map((name) => namedCertificate(name));
  let published = publishedWith(a);
  const known = new Set(published.certificates.map(({ fingerprint }) => fingerprint));
  let at = 0;
  for (let round = 0; round < 3000; round += 1) {
    at += pick(random, [hour, day, 3 * day, 8 * day]);
    const fresh = publishedWith(...all.filter(() => random() < 0.4));
    for (const { fingerprint } of fresh.certificates) known.add(fingerprint);
    const merged = mergePublished(published, fresh, later(at));
    const usable = usableCertificates(merged, later(at)).map(({ fingerprint }) => fingerprint);
    if (usable.length === 0) return t.fail('nothing to verify by');
    if (!fresh.certificates.every(({ fingerprint }) => usable.includes(fingerprint)))
      return t.fail('a new one is missing');
    if (!usable.every((fingerprint) => known.has(fingerprint))) return t.fail('one of nowhere');
    published = merged;
  }
  return t.end();
});

t.test('what has changed is told, and a new address by both its ends', (t) => {
  t.equal(changesOfPublished(publishedWith(a), publishedWith(a)), undefined);
  const merged = mergePublished(publishedWith(a, c), publishedWith(b, c), now);
  t.strictSame(changesOfPublished(publishedWith(a, c), merged), {
    certificatesAdded: [b.fingerprint],
    certificatesRetiring: [a.fingerprint],
    certificatesRemoved: [],
    endpoint: undefined,
  });
  const ended = mergePublished(merged, publishedWith(b, c), later(7 * day));
  t.match(changesOfPublished(merged, ended), {
    certificatesRetiring: [],
    certificatesRemoved: [a.fingerprint],
  });
  const moved = { ...publishedWith(a), ssoUrl: 'https://new.example.test/sso' };
  t.match(changesOfPublished(publishedWith(a), moved), {
    endpoint: { before: 'https://idp.example.test/sso', after: 'https://new.example.test/sso' },
  });
  t.ok(changesOfPublished(publishedWith(a), { ...publishedWith(a), binding: 'post' }));
  t.end();
});

t.test('the next refresh is in about a day, sooner where asked, and never under an hour', (t) => {
  const spread = new Set<number>();
  for (let at = 0; at < 200; at += 1) {
    const id = `con_${at}` as const;
    const seconds = refreshSeconds(id);
    t.ok(seconds >= 0.9 * day && seconds <= 1.1 * day);
    spread.add(seconds);
    t.equal(refreshSeconds(id, 1), hour);
    t.ok(refreshSeconds(id, 4 * hour) <= 4.4 * hour);
    t.ok(refreshSeconds(id, 365 * day) <= 1.1 * day, 'a year is too long to miss a new key');
  }
  t.ok(spread.size > 150, 'they do not come all at once');
  t.end();
});

t.test('warnings stand at 30, 14, 7 and 1 days, each until the next', (t) => {
  const steps = [31, 30, 29, 15, 14, 8, 7, 2, 1].map((days) => warningStep(later(days * day), now));
  t.same(steps, [undefined, 30, 30, 30, 14, 14, 7, 7, 1]);
  t.equal(warningStep(later(1), now), 1);
  t.equal(warningStep(now, now), undefined, 'it is over');
  t.end();
});

t.test('the last of the identity provider’s certificates counts, and of ours those in use', (t) => {
  const saml = (...certificates: IdpCertificate[]) =>
    ({ kind: 'saml', published: publishedWith(...certificates) }) as Parameters<typeof endingsOf>[0];
  const early = namedCertificate('early', { notAfter: later(day).toISOString() });
  const late = namedCertificate('late', { notAfter: later(100 * day).toISOString() });
  const gone = { ...late, fingerprint: 'gone', retiringSince: now.toISOString() };
  t.match(endingsOf(saml(early, late), []), [{ whose: 'idp', certificate: late.fingerprint }]);
  t.match(endingsOf(saml(early, gone), []), [{ whose: 'idp', certificate: early.fingerprint }]);
  const key = {
    id: 'key_1',
    connectionId: 'con_1',
    use: 'signing',
    state: 'current',
    certificate: '',
    notAfter: later(day),
    privateKeySealed: '',
  } as const;
  t.match(endingsOf(saml(late), [key, { ...key, id: 'key_2', state: 'next' }]), [
    { whose: 'idp' },
    { whose: 'ours', certificate: 'key_1' },
  ]);
  t.end();
});
