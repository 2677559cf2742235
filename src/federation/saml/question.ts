/** What the thread is asked: one response, and all that it has to be held against. Everything in it can be cloned. */
import type { IdpCertificate, SamlSettings } from '../../core/connections/connections.ts';
import type { ServiceProvider } from './service-provider.ts';

export interface SamlQuestion {
  /** Decoded and counted. */
  readonly xml: string;
  readonly now: Date;
  readonly serviceProvider: ServiceProvider;
  readonly settings: Pick<
    SamlSettings,
    'entityId' | 'signaturePolicy' | 'subject' | 'refuseExpiredCertificates'
  >;
  readonly certificates: readonly IdpCertificate[];
  /** Undefined for a response that nobody asked for: then nothing in it may say that somebody did. */
  readonly requestId: string | undefined;
  /** No proof before this moment will do. */
  readonly provenAfter: Date | undefined;
  /** PEM, those that may be tried on an encrypted assertion. */
  readonly decryptionKeys: readonly string[];
}
