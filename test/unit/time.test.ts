import t from 'tap';
import { addSeconds, day, earliest, hour, minute, secondsUntil } from '../../src/kernel/time.ts';

const noon = new Date('2026-03-29T00:30:00.500Z');

t.test('durations are seconds', async (t) => {
  t.strictSame([minute, hour, day], [60, 3600, 86_400]);
});

t.test(
  'seconds are added to the moment, also backwards, in parts, and over a change of the clocks',
  async (t) => {
    const given = new Date(noon);
    t.strictSame(addSeconds(given, day), new Date('2026-03-30T00:30:00.500Z'));
    t.strictSame(addSeconds(given, -0.5), new Date('2026-03-29T00:30:00.000Z'));
    t.strictSame(addSeconds(given, 0), noon);
    t.not(addSeconds(given, 0), given, 'a new date');
    t.strictSame(given, noon, 'the given one stays');
  },
);

t.test('the seconds until then are whole ones, rounded down: nothing lives longer than it may', async (t) => {
  const until = (ms: number) => secondsUntil(new Date(noon.getTime() + ms), noon);
  t.strictSame([2000, 1999, 1001, 1000, 999, 1, 0].map(until), [2, 1, 1, 1, 0, 0, 0]);
  t.strictSame([-1, -1000, -1001].map(until), [-1, -1, -2]);
});

t.test('the earliest of the dates there are', async (t) => {
  const [early, late] = [addSeconds(noon, -1), addSeconds(noon, 1)];
  t.strictSame(earliest(late, early, noon), early);
  t.strictSame(earliest(undefined, late, null, noon), noon);
  t.strictSame(earliest(new Date(0), early), new Date(0), 'the beginning of time is a date too');
  for (const none of [earliest(), earliest(null), earliest(undefined, null)]) t.equal(none, undefined);
});
