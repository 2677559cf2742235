/** Metadata of a SAML identity provider, and an address that answers with it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import type { IdpCertificate } from '../../src/core/connections/connections.ts';

export interface MetadataSite {
  readonly url: string;
  /** How often it was asked. */
  readonly asked: number;
  answer: {
    readonly status?: number;
    readonly body: string | Buffer;
    readonly headers?: Readonly<Record<string, string>>;
  };
}

/** On loopback; answers what the test has put there. */
export async function serveMetadata(t: Test): Promise<MetadataSite> {
  const site = { answer: { body: '' } as MetadataSite['answer'], asked: 0, url: '' };
  const server = createServer((_request, response) => {
    site.asked += 1;
    const { status = 200, body, headers } = site.answer;
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  site.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metadata`;
  return site;
}

interface Written {
  readonly entityId?: string;
  readonly ssoUrl?: string;
  /** More attributes of the outermost element. */
  readonly attributes?: string;
}

export function idpMetadata(certificates: readonly IdpCertificate[], but: Written = {}): string {
  const { entityId = 'urn:idp', ssoUrl = 'https://idp.example.test/sso', attributes = '' } = but;
  const keys = certificates.map(
    ({ der }) =>
      `<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${der}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`,
  );
  return `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="${entityId}" ${attributes}>
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">${keys.join('')}
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${ssoUrl}"/>
</md:IDPSSODescriptor></md:EntityDescriptor>`;
}
