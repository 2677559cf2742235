/**
 * What replicas have logged, and invariant I9 about it: in the end no secret that the test has sent or got stands there.
 * Every test that runs replicas has it, by replicas.ts and fleet.ts.
 */
import type { Test } from 'tap';
import { type Canaries, formsOf, listenForSecrets } from './canaries.ts';

export interface ReplicaLog {
  add(text: string): void;
  /** The last of it. */
  text(): string;
  /** Which kinds of secrets stand in it. */
  leaked(): string[];
}

/** Of a long run only the end is kept as text; of the rest every word that could be a secret. */
const keptBytes = 10 * 1024 * 1024;
/** The shortest that is looked for: shorter ones stand anywhere by chance. */
const words = /[\w-]{12,}/g;
/** So many of each kind are looked for in every form they could be written in, too. */
const inEveryForm = 50;

/** Begins to listen; `own` are the secrets of the replicas themselves. Fails the test in the end if one has got out. */
export function keepLog(t: Test, own: Readonly<Record<string, string>>): ReplicaLog {
  const canaries = listenForSecrets(t);
  for (const [name, value] of Object.entries(own)) canaries.add(name, value);
  const log = createLog(canaries);
  t.teardown(() => {
    const leaked = log.leaked();
    if (leaked.length > 0) throw new Error(`I9: the log has what is secret: ${leaked.join(', ')}`);
  });
  return log;
}

export function createLog(canaries: Pick<Canaries, 'kinds' | 'of'>): ReplicaLog {
  const seen = new Set<string>();
  let [text, rest] = ['', ''];
  const note = (lines: string): void => {
    for (const [word] of lines.matchAll(words)) seen.add(word);
  };
  const isWritten = (secret: string): boolean => formsOf(secret).some((form) => text.includes(form));
  return {
    add(more) {
      text += more;
      if (text.length > 2 * keptBytes) text = text.slice(-keptBytes);
      const lines = rest + more;
      const end = lines.lastIndexOf('\n') + 1;
      note(lines.slice(0, end));
      rest = lines.slice(end);
    },
    text: () => text,
    leaked() {
      note(rest);
      return canaries.kinds.filter((kind) => {
        const secrets = canaries.of(kind);
        return (
          secrets.some((secret) => seen.has(longestWord(secret))) ||
          secrets.slice(-inEveryForm).some(isWritten)
        );
      });
    },
  };
}

/** Of a JWT its signature or what it says: the beginning is the same for many. */
function longestWord(secret: string): string {
  const all = secret.match(words) ?? [];
  return all.reduce((longest, word) => (word.length > longest.length ? word : longest), '');
}
