/**
 * The simple rules against passwords that are long and yet guessed first: what remains of a password when everything
 * that is no secret is taken out of it. They need no dictionary, and so they hold also when nothing else does.
 */

/** Rows of the alphabet, the digits and the keyboards (QWERTY, QWERTZ, AZERTY), also read backwards. */
const rows = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890123456789',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'qwertzuiop',
  'yxcvbnm',
  'azertyuiop',
  'qsdfghjklm',
  'wxcvbn',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  'qazwsxedcrfvtgbyhnujmikolp',
  '!@#$%^&*()_+',
].flatMap((row) => [row, Array.from(row).reverse().join('')]);

/** What people make long passwords of. The dictionary knows forty thousand more. */
const commonWords =
  'password passwort passwd motdepasse contraseña letmein welcome willkommen iloveyou administrator admin qwerty qwertz azerty dragon monkey football baseball superman batman sunshine princess master shadow secret login changeme default trustno january february march april june july august september october november december monday friday spring summer autumn winter'.split(
    ' ',
  );

const lookalikes: Readonly<Record<string, string>> = {
  '@': 'a',
  '4': 'a',
  '3': 'e',
  '1': 'i',
  '!': 'i',
  '0': 'o',
  $: 's',
  '5': 's',
  '7': 't',
};

/** Fewer different letters than this are no secret, however often they come. */
const fewestLetters = 6;

/** What the rules say of a password; `words` as `wordsOf` makes them. */
export function judgeByRules(
  password: string,
  words: readonly string[],
): 'too_common' | 'too_personal' | undefined {
  const plain = password.toLowerCase();
  const spellings = [plain, Array.from(plain, (letter) => lookalikes[letter] ?? letter).join('')];
  // the words first: a row that overlaps one would hide it
  const isGuessable = spellings.some((text) =>
    isTrivial(withoutRows(without(text, [...words, ...commonWords]))),
  );
  if (!isGuessable) return undefined;
  return spellings.some((text) => words.some((word) => text.includes(word))) ? 'too_personal' : 'too_common';
}

/**
 * The words in names and addresses, longest first: whole ("ada.lovelace", "adalovelace") and in parts. Of three letters
 * at least: shorter ones are in every password.
 */
export function wordsOf(texts: readonly string[]): string[] {
  const words = texts.flatMap((text) => {
    const whole = text.normalize('NFC').toLowerCase().slice(0, 200);
    const parts = whole.split(/[^\p{L}\p{N}]+/u);
    return [whole, ...whole.split('@', 1), parts.join(''), ...parts];
  });
  return [...new Set(words)]
    .filter((word) => word.length >= 3)
    .sort((a, b) => b.length - a.length)
    .slice(0, 100);
}

function without(text: string, words: readonly string[]): string {
  return words.reduce((rest, word) => rest.replaceAll(word, ''), text);
}

/** Takes out every run of three or more that follows a row. */
function withoutRows(text: string): string {
  let rest = '';
  for (let at = 0; at < text.length;) {
    let length = 0;
    for (let next = 3; at + next <= text.length && isInRow(text.slice(at, at + next)); next += 1)
      length = next;
    if (length === 0) rest += text.charAt(at);
    at += Math.max(length, 1);
  }
  return rest;
}

function isInRow(piece: string): boolean {
  return rows.some((row) => row.includes(piece));
}

function isTrivial(rest: string): boolean {
  return new Set(rest).size < fewestLetters;
}
