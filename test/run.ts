/** npm test [-- files]: the tests, all or some, as test/support/test-run.ts runs them. */
import { glob } from 'node:fs/promises';
import { findChromium } from './support/find-chromium.ts';
import { hasPysaml2, hasSimplesamlphp } from './support/find-peers.ts';
import { runTestFiles } from './support/test-run.ts';

const given = process.argv.slice(2);
process.exit(await runTestFiles({ files: given.length > 0 ? given : await allFiles() }));

/** What of all files needs more than Node.js and npm, which is all that a newcomer has. */
function needs() {
  return [
    {
      what: 'Chromium',
      files: 'test/pages/',
      isThere: async () => (await findChromium()) !== undefined,
      remedy: 'Install it, or name it in CHROMIUM.',
    },
    {
      what: 'SimpleSAMLphp',
      files: 'test/federation/simplesamlphp.test.ts',
      isThere: hasSimplesamlphp,
      remedy: "Install Debian's simplesamlphp, php-cli, php-xml and php-mbstring.",
    },
    {
      what: 'pysaml2',
      files: 'test/federation/pysaml2.test.ts',
      isThere: hasPysaml2,
      remedy: "Install Debian's python3-pysaml2 and xmlsec1.",
    },
  ];
}

/** All of them; but what this machine cannot run is left out, and said to be, unless somebody counts on this run (CI). */
async function allFiles(): Promise<string[]> {
  let files = (await Array.fromAsync(glob('test/**/*.test.ts', { exclude: ['test/fixtures/**'] }))).sort();
  if (process.env['CI'] !== undefined) return files;
  for (const need of needs()) {
    if (await need.isThere()) continue;
    console.log(`No ${need.what} was found: ${need.files} is not run. ${need.remedy}`);
    files = files.filter((file) => !file.startsWith(need.files));
  }
  return files;
}
