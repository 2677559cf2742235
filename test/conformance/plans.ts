/**
 * OpenID's certification plans that this service is held to, with the ids of their modules as the conformance suite
 * (5.1.43) has them. The tests in this folder bear these names; ledger.test.ts sees that none is missing.
 */
const basic = [
  'oidcc-server',
  'oidcc-response-type-missing',
  'oidcc-idtoken-signature',
  'oidcc-idtoken-unsigned',
  'oidcc-userinfo-get',
  'oidcc-userinfo-post-header',
  'oidcc-userinfo-post-body',
  'oidcc-ensure-request-without-nonce-succeeds-for-code-flow',
  'oidcc-scope-profile',
  'oidcc-scope-email',
  'oidcc-scope-address',
  'oidcc-scope-phone',
  'oidcc-scope-all',
  'oidcc-alternate-happy-flow',
  'oidcc-display-page',
  'oidcc-display-popup',
  'oidcc-prompt-login',
  'oidcc-prompt-none-not-logged-in',
  'oidcc-prompt-none-logged-in',
  'oidcc-max-age-1',
  'oidcc-max-age-10000',
  'oidcc-ensure-request-with-unknown-parameter-succeeds',
  'oidcc-id-token-hint',
  'oidcc-login-hint',
  'oidcc-ui-locales',
  'oidcc-claims-locales',
  'oidcc-ensure-request-with-acr-values-succeeds',
  'oidcc-codereuse',
  'oidcc-codereuse-30seconds',
  'oidcc-ensure-registered-redirect-uri',
  'oidcc-ensure-post-request-succeeds',
  'oidcc-server-client-secret-post',
  'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported',
  'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported',
  'oidcc-claims-essential',
  'oidcc-ensure-request-object-with-redirect-uri',
  'oidcc-refresh-token',
  'oidcc-ensure-request-with-valid-pkce-succeeds',
] as const;

export const plans = {
  'oidcc-basic-certification-test-plan': basic,
  // the same modules, each with response_mode=form_post
  'oidcc-formpost-basic-certification-test-plan': basic,
  'oidcc-config-certification-test-plan': ['oidcc-discovery-endpoint-verification'],
  'oidcc-rp-initiated-logout-certification-test-plan': [
    'oidcc-rp-initiated-logout-discovery-endpoint-verification',
    'oidcc-rp-initiated-logout',
    'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri',
    'oidcc-rp-initiated-logout-modified-id-token-hint',
    'oidcc-rp-initiated-logout-no-id-token-hint',
    'oidcc-rp-initiated-logout-no-params',
    'oidcc-rp-initiated-logout-no-post-logout-redirect-uri',
    'oidcc-rp-initiated-logout-no-state',
    'oidcc-rp-initiated-logout-only-state',
    'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri',
    'oidcc-rp-initiated-logout-bad-id-token-hint',
  ],
  'oidcc-backchannel-rp-initiated-logout-certification-test-plan': [
    'oidcc-backchannel-logout-discovery-endpoint-verification',
    'oidcc-backchannel-rp-initiated-logout',
  ],
  // of this plan the one module that asks nothing of dynamic registration
  'oidcc-dynamic-certification-test-plan': ['oidcc-server-rotate-keys'],
} as const;

export type PlanName = keyof typeof plans;
export type ModuleId<Plan extends PlanName = PlanName> = (typeof plans)[Plan][number];

/**
 * The other way round: the suite plays a company's identity provider, and this service is its client. Each is a module of
 * the Basic, Config or Back-Channel Logout plan for relying parties.
 */
export const clientPlans = {
  'oidcc-client-basic-certification-test-plan': [
    'oidcc-client-test',
    'oidcc-client-test-invalid-iss',
    'oidcc-client-test-missing-sub',
    'oidcc-client-test-invalid-aud',
    'oidcc-client-test-missing-iat',
    'oidcc-client-test-kid-absent-single-jwks',
    'oidcc-client-test-kid-absent-multiple-jwks',
    'oidcc-client-test-idtoken-sig-rs256',
    'oidcc-client-test-idtoken-sig-none',
    'oidcc-client-test-invalid-sig-rs256',
    'oidcc-client-test-userinfo-invalid-sub',
    'oidcc-client-test-nonce-invalid',
    'oidcc-client-test-scope-userinfo-claims',
    'oidcc-client-test-client-secret-basic',
  ],
  // and oidcc-client-test-idtoken-sig-none, as in the plan above
  'oidcc-client-config-certification-test-plan': [
    'oidcc-client-test-discovery-openid-config',
    'oidcc-client-test-discovery-jwks-uri-keys',
    'oidcc-client-test-discovery-issuer-mismatch',
    'oidcc-client-test-signing-key-rotation-just-before-signing',
    'oidcc-client-test-signing-key-rotation',
  ],
  'oidcc-client-back-channel-logout-rp-basic': [
    'oidcc-client-test-rp-backchannel-rpinitlogout',
    'oidcc-client-test-rp-backchannel-rpinitlogout-alg-none',
    'oidcc-client-test-rp-backchannel-rpinitlogout-no-event',
    'oidcc-client-test-rp-backchannel-rpinitlogout-with-nonce',
    'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-alg',
    'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-aud',
    'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-event',
    'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-iss',
  ],
} as const;

export type ClientPlanName = keyof typeof clientPlans;
