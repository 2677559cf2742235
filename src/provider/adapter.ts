/**
 * The engine's storage contract: one store for each kind of thing. Finds read once a request, everything else is
 * recorded in the unit of work. Ids that a bearer could use are hashed, and never part of what is stored.
 */
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { addSeconds } from '../kernel/time.ts';
import { artifactStore } from './artifact-store.ts';
import type { ClientCache } from './client-cache.ts';
import { grantStore } from './grant-store.ts';
import { refreshTokenStore } from './refresh-token-store.ts';
import { interactionStore } from './interaction-store.ts';
import { sessionStore } from './session-store.ts';
import { invalidParameter } from './errors.ts';
import { deleteGrantTokens } from './queries.ts';
import type { Store } from './store.ts';
import { currentUnit, recordWrite, type Units } from './unit-of-work.ts';

export function createAdapterFactory(units: Units, clients: ClientCache): (model: string) => Adapter {
  return (model) => new EngineAdapter(storeFor(model, clients), units);
}

function storeFor(model: string, clients: ClientCache): Store {
  switch (model) {
    case 'Client':
      return { find: (_unit, id) => clients.findMetadata(id) };
    case 'Session':
      return sessionStore;
    case 'Interaction':
      return interactionStore;
    case 'Grant':
      return grantStore;
    case 'RefreshToken':
      return refreshTokenStore;
    case 'AccessToken':
    case 'AuthorizationCode':
    case 'ClientCredentials':
    case 'PushedAuthorizationRequest':
    case 'ReplayDetection':
      return artifactStore(model);
    default:
      return { find: () => Promise.reject(new Error(`the engine has no business with ${model}`)) };
  }
}

/** What JSON can say and PostgreSQL cannot keep; it can only have come from the request. */
function isUnstorable(payload: object): boolean {
  return /\\u(?:0000|d[89a-f][0-9a-f]{2})/.test(JSON.stringify(payload));
}

/** The engine demands a class; it only hands the current unit to the store. */
class EngineAdapter implements Adapter {
  readonly #store: Store;
  readonly #units: Units;

  constructor(store: Store, units: Units) {
    this.#store = store;
    this.#units = units;
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.#store.find(currentUnit(this.#units), id);
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#store.findByUid?.(currentUnit(this.#units), uid);
  }

  findByUserCode(): Promise<undefined> {
    return Promise.resolve(undefined); // the device flow is off
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn = 0): Promise<void> {
    const unit = currentUnit(this.#units);
    // the id is the bearer's secret: what is stored must not contain it
    const { jti: _secret, ...rest } = payload;
    if (isUnstorable(rest)) throw invalidParameter('a parameter contains NUL or half a character');
    const expiresAt = addSeconds(unit.ctx.now(), expiresIn);
    await this.#store.upsert?.(unit, id, { payload: rest, expiresAt });
  }

  consume(id: string): Promise<void> {
    this.#store.consume?.(currentUnit(this.#units), id);
    return Promise.resolve();
  }

  async destroy(id: string): Promise<void> {
    await this.#store.destroy?.(currentUnit(this.#units), id);
  }

  /** The engine asks every model in turn; codes, tokens and the refresh family of a grant go in one write. */
  revokeByGrantId(grantId: string): Promise<void> {
    const unit = currentUnit(this.#units);
    recordWrite(unit, `Revoke:${grantId}`, { rank: 'revoke', run: (tx) => deleteGrantTokens(tx, grantId) });
    return Promise.resolve();
  }
}
