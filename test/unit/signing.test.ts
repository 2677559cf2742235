import { generateKeyPairSync, sign, verify } from 'node:crypto';
import t from 'tap';
import { sideBySide } from '../../src/provider/signing.ts';

t.test('a signature of ES256 has its numbers side by side, however short they are', (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const lengths = new Set<number>();
  // one in 128 has a number that is a byte short
  for (let round = 0; round < 2000; round += 1) {
    const data = Buffer.from(`token ${round}`);
    const der = sign('sha256', data, privateKey);
    lengths.add(der.length);
    const both = sideBySide(der);
    const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
    if (both.length !== 64 || !verify('sha256', data, key, both)) t.fail(der.toString('hex'));
  }
  t.ok(lengths.size > 3, 'short ones were among them');
  t.end();
});
