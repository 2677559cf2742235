import { createHash } from 'node:crypto';
import t from 'tap';
import { hashToken, isSameHash, newToken } from '../../src/kernel/tokens.ts';

t.test('a token is 256 random bits, fit for an address and a cookie', async (t) => {
  const tokens = Array.from({ length: 1000 }, () => newToken().token);
  t.equal(new Set(tokens).size, tokens.length);
  for (const token of tokens) {
    if (!/^[\w-]{43}$/.test(token)) t.fail(token);
  }
  const bits = tokens.map((token) => Buffer.from(token, 'base64url'));
  t.ok(bits.every(({ length }) => length === 32));
  for (let bit = 0; bit < 256; bit += 1) {
    const ones = bits.filter((bytes) => (bytes.readUInt8(bit >> 3) >> (bit & 7)) & 1).length;
    // 500 in the mean, 16 the deviation: eight of them off is one run in 10^15
    if (ones < 373 || ones > 627) t.fail(`bit ${bit} is set in ${ones} of 1000`);
  }
});

t.test('what is stored of it is the SHA-256 of its text', async (t) => {
  const { token, hash } = newToken();
  t.strictSame(hash, createHash('sha256').update(token, 'utf8').digest());
  t.strictSame(hashToken(token), hash);
  t.equal(
    hashToken('abc').toString('hex'),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', // FIPS 180-2, appendix B.1
  );
  for (const other of [`${token} `, token.slice(0, -1), token.toLowerCase(), ''])
    t.notOk(isSameHash(hashToken(other), hash), other);
});

t.test('hashes are the same when every byte is', async (t) => {
  const { hash } = newToken();
  t.ok(isSameHash(hash, Buffer.from(hash)));
  t.ok(isSameHash(new Uint8Array(hash), hash));
  for (let bit = 0; bit < 256; bit += 1) {
    const other = Buffer.from(hash);
    other.writeUInt8(other.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    if (isSameHash(hash, other)) t.fail(`bit ${bit}`);
  }
  for (const other of [Buffer.alloc(0), hash.subarray(0, 31), Buffer.concat([hash, Buffer.alloc(1)])])
    t.notOk(isSameHash(hash, other), 'another length is no error, and no match');
});
