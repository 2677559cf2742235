/**
 * Replicas are restarted in turn behind a balancer, while signing keys rotate, under load: no request fails, and no
 * token is signed with a key unknown to a resource server that keeps the keys it has fetched.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Agent as HttpAgent, get } from 'node:http';
import t, { type Test } from 'tap';
import { askForToken, kidIn, tokenOf, rotateQuickly } from '../../support/key-rotation.ts';
import { demoParty, introspect, post, refreshForm } from '../../provider/requests.ts';
import { Agent } from '../../support/agent.ts';
import { freePort } from '../../support/app.ts';
import { probeEveryMs } from '../../support/balancer.ts';
import { createDatabase } from '../../support/database.ts';
import { assertInvariants } from '../../support/invariants.ts';
import { holdKeys } from '../../support/key-holder.ts';
import { signIn } from '../../support/relying-party.ts';
import { amount, startLoad, until } from '../../support/reliability.ts';
import { startReplicas } from '../../support/replicas.ts';
