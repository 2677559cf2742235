import { getHeapSpaceStatistics } from 'node:v8';
import t from 'tap';
import { giveBackStartMemory } from '../../src/start-memory.ts';

const mebibyte = 1024 * 1024;

function roomForNewObjects(): number {
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  return (space?.space_size ?? NaN) / mebibyte;
}

t.test('What the start has used is given back', (t) => {
  const used = Array.from({ length: 200_000 }, (_, place) => ({
    place,
    text: `${place} of what a start loads`,
  }));
  const before = roomForNewObjects();
  t.ok(before > 4, `${before} MiB of room, with ${used.length} objects`);
  used.length = 0;
  giveBackStartMemory();
  t.ok(roomForNewObjects() <= 2, `${roomForNewObjects()} MiB after`);
  t.equal('gc' in globalThis, false, 'and nobody can ask for it again');
  t.end();
});
