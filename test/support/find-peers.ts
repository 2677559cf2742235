/** Identity providers that are not ours, as Debian has them: what the tests of federation meet besides our own. */
import { access } from 'node:fs/promises';

export const paths = {
  php: '/usr/bin/php',
  simplesamlphp: '/usr/share/simplesamlphp',
  // the system's, for which Debian's modules are; not the first on the path
  python: '/usr/bin/python3',
  xmlsec1: '/usr/bin/xmlsec1',
} as const;

/** Whether SimpleSAMLphp can be started here, by PHP's own server. */
export function hasSimplesamlphp(): Promise<boolean> {
  return existAll([paths.php, `${paths.simplesamlphp}/www/saml2/idp/SSOService.php`]);
}

/** Whether pysaml2 can be called here. */
export function hasPysaml2(): Promise<boolean> {
  return existAll([paths.python, paths.xmlsec1, '/usr/lib/python3/dist-packages/saml2/server.py']);
}

function existAll(files: readonly string[]): Promise<boolean> {
  return Promise.all(files.map((file) => access(file))).then(
    () => true,
    () => false,
  );
}
