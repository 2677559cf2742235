/** Secrets at rest: what is sealed opens with its key, at its place, unchanged, and in no other way. */
import { randomBytes } from 'node:crypto';
import t from 'tap';
import {
  deriveKey,
  open,
  seal,
  sealingKey,
  type SealingKey,
  type SealingKeys,
} from '../../src/kernel/seal.ts';

const newKey = (): SealingKey => sealingKey(randomBytes(32));
const keys: SealingKeys = [newKey()];
const place = 'signing_keys/kid-1';

t.test('a secret comes back as it was', async (t) => {
  for (const secret of ['', 'a', 'Größe 鍵 😀\0\r\n"', '.', 'x'.repeat(100_000)])
    t.equal(open(keys, seal(keys, secret, place), place), secret);
});

t.test('what is stored shows nothing of it, and is another each time', async (t) => {
  const stored = Array.from({ length: 100 }, () => seal(keys, 'the secret', place));
  t.equal(new Set(stored).size, stored.length);
  for (const sealed of stored) {
    const [id, body = ''] = sealed.split('.');
    t.equal(id, keys[0].id);
    t.notOk(Buffer.from(body, 'base64url').toString('latin1').includes('the secret'));
  }
  const nonces = stored.map((sealed) =>
    Buffer.from(sealed.split('.')[1] ?? '', 'base64url').toString('hex', 0, 12),
  );
  t.equal(new Set(nonces).size, stored.length, 'a nonce that comes twice would give the key stream away');
});

t.test('at another place it does not open: a value copied into another row is worth nothing', async (t) => {
  const sealed = seal(keys, 'the secret', place);
  for (const other of [
    'signing_keys/kid-2',
    'mail_outbox/kid-1',
    'signing_keys/kid-1 ',
    'signing_keys/kid-',
    '',
  ])
    t.throws(() => open(keys, sealed, other), other);
});

t.test('without its key it does not open, whatever key is called by its name', async (t) => {
  const sealed = seal(keys, 'the secret', place);
  t.throws(() => open([newKey()], sealed, place), 'another key');
  t.throws(() => open([{ id: keys[0].id, bytes: randomBytes(32) }], sealed, place), 'of the same name');
});

t.test('no bit of it can be changed', async (t) => {
  const sealed = seal(keys, 'the secret', place);
  const [id = '', body = ''] = sealed.split('.');
  const bytes = Buffer.from(body, 'base64url');
  t.equal(bytes.length, 12 + 'the secret'.length + 16, 'nonce, secret, tag');
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    t.throws(() => open(keys, `${id}.${changed.toString('base64url')}`, place), `bit ${bit}`);
  }
});

t.test('nor can it be made shorter or longer: a tag of four bytes could be guessed', async (t) => {
  const [id = '', body = ''] = seal(keys, 'the secret', place).split('.');
  const bytes = Buffer.from(body, 'base64url');
  for (let length = 0; length < bytes.length; length += 1) {
    for (const part of [bytes.subarray(0, length), bytes.subarray(bytes.length - length)])
      t.throws(() => open(keys, `${id}.${part.toString('base64url')}`, place), `${length} bytes`);
  }
  const longer = Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64url');
  for (const text of [`${id}.${longer}`, body, `.${body}`, `${id}.`, id, '', '.'])
    t.throws(() => open(keys, text, place), text);
});

t.test('the newest key seals; older ones open until they are taken away', async (t) => {
  const [oldest, older, newest] = [newKey(), newKey(), newKey()];
  const sealed = [
    seal([oldest], '1', place),
    seal([older, oldest], '2', place),
    seal([newest, older], '3', place),
  ];
  t.strictSame(
    sealed.map((text) => text.split('.')[0]),
    [oldest.id, older.id, newest.id],
  );
  t.strictSame(
    sealed.map((text) => open([newest, older, oldest], text, place)),
    ['1', '2', '3'],
  );
  t.throws(() => open([newest, older], sealed[0] ?? '', place));
});

t.test('an error says neither the secret nor a key', async (t) => {
  const key = newKey();
  const sealed = seal([key], 'the secret', place);
  for (const attempt of [() => open([newKey()], sealed, place), () => open([key], sealed, 'elsewhere')]) {
    try {
      attempt();
      t.fail('it opened');
    } catch (error) {
      const said = `${String(error)} ${(error as Error).stack ?? ''} ${JSON.stringify(error)}`;
      for (const secret of ['the secret', key.bytes.toString('base64url'), key.bytes.toString('hex')])
        t.notOk(said.includes(secret));
    }
  }
});

t.test('a key is named by itself alone', async (t) => {
  const bytes = randomBytes(32);
  t.match(sealingKey(bytes).id, /^[0-9a-f]{8}$/);
  t.equal(sealingKey(bytes).id, sealingKey(Buffer.from(bytes)).id);
  t.not(sealingKey(bytes).id, newKey().id);
  t.notOk(bytes.toString('hex').includes(sealingKey(bytes).id));
});

t.test('keys for other purposes: one for each key and purpose, and none like the key itself', async (t) => {
  const [one, other] = [newKey(), newKey()];
  const made = [one, other].flatMap((key) =>
    ['cookies', 'throttle', 'throttles', ''].map((what) => deriveKey(key, what).export()),
  );
  t.equal(new Set([...made, one.bytes, other.bytes].map((key) => key.toString('hex'))).size, made.length + 2);
  for (const key of made) t.equal(key.length, 32);
  const again = { ...one };
  t.strictSame(deriveKey(one, 'cookies').export(), made[0], 'and always the same');
  t.strictSame(deriveKey(again, 'cookies').export(), made[0], 'whoever derives it');
  const sealed = seal([one], 'the secret', place);
  t.throws(() => open([{ id: one.id, bytes: deriveKey(one, 'seal').export() }], sealed, place));
});
