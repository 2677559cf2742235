/** Which passwords are taken, by class: fifty that must not be of each, and those that must. */
import { once } from 'node:events';
import t from 'tap';
import { judgePassword } from '../../src/core/credentials/credentials.ts';
import { judgeByRules, wordsOf } from '../../src/core/credentials/guessable.ts';

/** As the callers give them: names as they are written. */
const words = [
  'Initech',
  'Ada Lovelace',
  'ada.lovelace@analytical.test',
  'Assist',
  'Doorward',
  'Vandelay Industries',
];

const judge = (password: string) => judgePassword(password, { words });

const repeated = Array.from('aZ0 .é字', (letter) => letter.repeat(15)).concat(
  ['ab', 'abc', 'xyz ', '12', '+-', 'hahaha', 'éa', '😀', 'no', 'qq1', 'Ab1!'].map((unit) => unit.repeat(15)),
);
const rows = [
  'qwertyuiopasdfgh',
  'qwertzuiopasdfgh',
  'azertyuiopqsdfgh',
  'poiuytrewqlkjhgf',
  'asdfghjklzxcvbnm',
  '1qaz2wsx3edc4rfv',
  'abcdefghijklmnop',
  'zyxwvutsrqponmlk',
  '123456789012345',
  '987654321098765',
  '1234567890abcdef',
  'qwerty123456789!',
];
const common = [
  'Password123456789',
  'P@ssw0rd123456789',
  'passwordpassword',
  'PASSWORDPASSWORD1',
  'drowssapdrowssap',
  'Passwort12345678!',
  'letmeinletmein123',
  'welcome123welcome',
  'Welcome1234567890',
  'iloveyouiloveyou',
  'administrator123',
  'adminadminadmin1',
  'changemechangeme',
  'trustno1trustno1',
  'monkeymonkeymonkey',
  'dragon1234567890',
  'Summer2026Summer2026',
  'January2026January',
  'MondayMonday2026!!',
  'sunshinesunshine',
  'baseballfootball',
  'superman123456789',
  'masterpassword123',
  'qwertyqwertyqwerty',
  'secretsecretsecret',
];
const personal = [
  'Initech2026!!!!',
  'initech123456789',
  'INITECHinitech2026',
  '1n1t3ch1n1t3ch2026',
  'ada.lovelaceada.lovelace',
  'adalovelace1815adalovelace',
  'AdaLovelaceAdaLovelace',
  'lovelacelovelace',
  'Lovelace,Ada2026',
  'ada@analytical.test',
  'ada.lovelace@analytical.test',
  'analytical123456',
  'assistassistassist',
  'Assist2026Assist!',
  'doorwarddoorward',
  'Doorward1234567!',
  'initechassist2026',
  'vandelayindustries',
  'VandelayIndustries1',
  'industries2026!!!',
  ...['Initech', 'Lovelace', 'Doorward', 'Vandelay', 'Analytical', 'ada.lovelace'].flatMap((word) =>
    ['2026!!!!', '12345678', '-qwertyuiop', `_${word}`, 'Password1'].map((tail) => `${word}${tail}`),
  ),
];

t.test('PW-01 the shortest has 15 code points, whatever they are', async (t) => {
  t.equal(await judge('xkqmzvbtwrpljf'), 'too_short');
  t.equal(await judge('xkqmzvbtwrpljfd'), undefined);
  t.equal(await judge('😀🚲🌋🎻🦔🍋⛵🧭🪁🔭🥁🧵🌵🐙'), 'too_short', 'not in UTF-16 units');
  t.equal(await judge('😀🚲🌋🎻🦔🍋⛵🧭🪁🔭🥁🧵🌵🐙🪴'), undefined);
});

t.test('PW-04 what is counted is the composed form', async (t) => {
  t.equal(await judge('kqmzvbtwrpljfé'.normalize('NFD')), 'too_short', 'the accent is no letter of its own');
});

t.test('PW-02 and PW-03 up to 256 code points are taken', async (t) => {
  const long = Array.from({ length: 256 }, (_, index) => String.fromCodePoint(0x4e00 + index * 7)).join('');
  t.equal(await judge(long), undefined);
  t.equal(await judge(`${long}x`), 'too_long');
  const mixed = Array.from({ length: 128 }, (_, index) =>
    index % 2 ? '😀' : 'kvxqz wjb'.charAt(index % 9),
  ).join('');
  t.equal(Array.from(mixed).length, 128);
  t.equal(await judge(mixed), undefined);
});

t.test('PW-05 what is guessed first is refused, and the reason is said', async (t) => {
  for (const password of [...repeated, ...rows, ...common])
    t.equal(await judge(password), 'too_common', password);
  for (const password of personal) t.equal(await judge(password), 'too_personal', password);
});

t.test('PW-05 the words are this person’s: for anybody else they are no reason', async (t) => {
  t.equal(await judgePassword('vandelay gherkin mop', { words: [] }), undefined);
  t.equal(await judgePassword('vandelayvandelay!', { words: ['Vandelay'] }), 'too_personal');
});

t.test('PW-05 in the middle of a good password a word of one’s own does no harm', async (t) => {
  t.equal(await judge('ada keeps 3 ferrets in the loft'), undefined);
});

t.test('PW-06 nothing is demanded of a password but that it is not guessed', async (t) => {
  for (const password of [
    'correct horse battery staple',
    'xkqmzvbtwrpljfd',
    '830174629058316',
    '               x  kq mz vb tw rp',
    'пароль из восьми тихих слов',
    '雨の日は窓辺で古い本を読むのが好き',
  ]) {
    t.equal(await judge(password), undefined, password);
  }
});

t.test('PW-05 without the dictionary the simple rules still hold, and somebody is warned', async (t) => {
  const failing = () => Promise.reject(new Error('the thread has ended'));
  for (const password of ['Password123456789', 'aaaaaaaaaaaaaaa', 'qwertyuiopasdfgh', '123456789012345']) {
    t.equal(await judgePassword(password, { words }, failing), 'too_common', password);
  }
  t.equal(await judgePassword('Initech2026!!!!', { words }, failing), 'too_personal');
  const warned = once(process, 'warning');
  t.equal(await judgePassword('xkqmzvbtwrpljfd', { words }, failing), undefined);
  const [warning] = (await warned) as [Error];
  t.equal(warning.name, 'PasswordPolicyWarning');
  t.notMatch(warning.message, /xkqmzvbtwrpljfd/, 'which does not tell the password');
});

t.test('a dictionary is asked for what the rules let pass, and its answer counts', async (t) => {
  const answer = (guessesLog10: number, isPersonal: boolean) => () =>
    Promise.resolve({ guessesLog10, isPersonal });
  const password = 'xkqmzvbtwrpljfd';
  t.equal(await judgePassword(password, { words }, answer(9.9, false)), 'too_common');
  t.equal(await judgePassword(password, { words }, answer(9.9, true)), 'too_personal');
  t.equal(await judgePassword(password, { words }, answer(10, true)), undefined);
});

t.test('words are taken apart, in any script, and short ones are left out', (t) => {
  const found = wordsOf(['Ada O’Neil', 'ada.l@x.test', 'Ünal 株式会社', 'ab']);
  for (const word of ['ada', 'neil', 'ada.l', 'ada.l@x.test', 'test', 'ünal', '株式会社'])
    t.ok(found.includes(word), word);
  t.notOk(found.includes('ab'));
  t.notOk(found.includes('o'));
  t.end();
});

t.test('WB-10 the rules take a long text in linear time', (t) => {
  const names = wordsOf(Array.from({ length: 1000 }, (_, index) => `name-${index} of somebody`));
  for (const password of ['a'.repeat(256), 'abcdefgh'.repeat(32), '1!'.repeat(128)]) {
    const before = performance.now();
    judgeByRules(password, names);
    t.ok(performance.now() - before < 50, 'fast');
  }
  t.end();
});
