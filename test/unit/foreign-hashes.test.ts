/** Hashes of other systems: known vectors of each format, and what is not taken. */
import t from 'tap';
import { matchesForeignHash, parseForeignHash } from '../../src/core/credentials/foreign-hash.ts';

/** bcrypt by libxcrypt and jBCrypt; scrypt by RFC 7914 §12 and passlib; PBKDF2 by RFC 7914 §11 and passlib. */
const vectors: readonly (readonly [from: string, password: string, hash: string])[] = [
  ['bcrypt $2a$', 'abc', '$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i'],
  ['bcrypt $2b$', 'correct horse', '$2b$06$abcdefghijklmnopqrstuud/5IuQmqhVO0kfNEbHJM.fJkPiliBzC'],
  ['bcrypt $2y$', 'correct horse', '$2y$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu'],
  ['bcrypt, UTF-8', 'pénélope', '$2b$06$zbcdefghijklmnopqrstuuI3x8GwgWxs4pkqHSD0bGrrWwaoqKpLW'],
  [
    'bcrypt, all of its 72 bytes',
    'a'.repeat(72),
    '$2b$04$zbcdefghijklmnopqrstuu8Kj1hwnc2GLGe2WaK4HG8TO90W1L0rm',
  ],
  [
    'scrypt, N=2^14',
    'pleaseletmein',
    '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw',
  ],
  [
    'scrypt, p=16',
    'password',
    '$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA==',
  ],
  [
    'scrypt of passlib',
    'password',
    '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E',
  ],
  [
    'PBKDF2, SHA-256',
    'Password',
    '$pbkdf2-sha256$i=80000$TmFDbA$TdzY9guYviGDDO5e8icB+WQaRBjQTAQUrv8Ih2s0q1ah1CWhIlgzVJrbhBtRybMXaicr3ruh0HhHj2Kzl/M8jQ',
  ],
  [
    'PBKDF2, SHA-256, of passlib',
    'password',
    '$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ',
  ],
  [
    'PBKDF2, SHA-512, of passlib',
    'password',
    '$pbkdf2-sha512$1212$RHY0Fr3IDMSVO/RSZyb5ow$eNLfBK.eVozomMr.1gYa17k9B7KIK25NOEshvhrSX.esqY3s.FvWZViXz4KoLlQI.BzY/YTNJOiKc5gBYFYGww',
  ],
  [
    'PBKDF2, SHA-512',
    'password',
    '$pbkdf2-sha512$i=4096,l=64$c2FsdA$0Zexsz2wFD4BixLz0dFHnmzevcyXxcD4f2kC4HL0V7UUPzBgJkGz1VzTNZiMs2uEN2Bg7NUy4Dm3QqI5Q0ry1Q',
  ],
];

t.test('known hashes are verified, and no other password is', async (t) => {
  for (const [from, password, hash] of vectors) {
    const parsed = parseForeignHash(hash);
    if (!parsed) {
      t.fail(`${from} is not read`);
      continue;
    }
    t.equal(await matchesForeignHash(parsed, password), true, from);
    t.equal(await matchesForeignHash(parsed, `${password}x`), false, `${from}, one letter more`);
    t.equal(await matchesForeignHash(parsed, password.slice(0, -1)), false, `${from}, one letter less`);
    t.equal(await matchesForeignHash(parsed, password.toUpperCase()), false, `${from}, another case`);
  }
});

t.test('PW-02 bcrypt looks at 72 bytes only, and no tail is taken for right', async (t) => {
  const parsed = parseForeignHash('$2b$04$zbcdefghijklmnopqrstuu8Kj1hwnc2GLGe2WaK4HG8TO90W1L0rm');
  t.ok(parsed && (await matchesForeignHash(parsed, 'a'.repeat(72))));
  t.notOk(parsed && (await matchesForeignHash(parsed, 'a'.repeat(73))));
});

const bcryptTail = 'abcdefghijklmnopqrstuud/5IuQmqhVO0kfNEbHJM.fJkPiliBzC';
const salt = 'U29kaXVtQ2hsb3JpZGU';
const key = 'nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E';

t.test('what would cost too much is not taken, nor what is no hash', (t) => {
  const refused = [
    '',
    'correct horse',
    '5f4dcc3b5aa765d61d8327deb882cf99',
    '$1$salt$qJH7.N4xYta3aEG/dfqo/0',
    '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO/O817G3uBnIFNjnQJuesI68OTLiBFdcbYEdFCoEOfaS35inz1',
    `$2x$10$${bcryptTail}`,
    `$2b$03$${bcryptTail}`,
    `$2b$15$${bcryptTail}`,
    `$2b$31$${bcryptTail}`,
    `$2b$10$${bcryptTail}\n`,
    `$2b$10$${bcryptTail.slice(1)}`,
    `$scrypt$ln=9,r=8,p=1$${salt}$${key}`,
    `$scrypt$ln=18,r=8,p=1$${salt}$${key}`,
    `$scrypt$ln=63,r=8,p=1$${salt}$${key}`,
    `$scrypt$ln=14,r=999,p=1$${salt}$${key}`,
    `$scrypt$ln=14,r=0,p=1$${salt}$${key}`,
    `$scrypt$ln=14,r=8,p=0$${salt}$${key}`,
    `$scrypt$ln=17,r=8,p=16$${salt}$${key}`,
    `$scrypt$ln=14,r=8,p=1$$${key}`,
    `$scrypt$ln=14,r=8,p=1$${salt}$${'A'.repeat(200)}`,
    `$scrypt$ln=14,r=8,p=1$${salt}$AAAA`,
    `$scrypt$ln=14,r=8,p=1$${salt}$${key}$`,
    `$scrypt$ln=14,r=8,p=1$${salt}$not base64`,
    `$pbkdf2-sha256$i=999$${salt}$${key}`,
    `$pbkdf2-sha256$i=2000001$${salt}$${key}`,
    `$pbkdf2-sha256$i=99999999999$${salt}$${key}`,
    `$pbkdf2-sha256$i=-1$${salt}$${key}`,
    `$pbkdf2-md5$i=10000$${salt}$${key}`,
    `$pbkdf2$i=10000$${salt}$${key}`,
  ];
  for (const hash of refused) t.equal(parseForeignHash(hash), undefined, hash);
  t.ok(parseForeignHash(`$2b$14$${bcryptTail}`), 'at the bound');
  t.ok(parseForeignHash(`$scrypt$ln=17,r=8,p=1$${salt}$${key}`), 'at the bound');
  t.ok(parseForeignHash(`$pbkdf2-sha256$i=2000000$${salt}$${key}`), 'at the bound');
  t.end();
});
