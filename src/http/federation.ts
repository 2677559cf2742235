/** The upstream side: where identity providers answer, directly or through the browser. */
import type { Engine } from '../provider/provider.ts';
import type { Route } from './route.ts';
import { acsRoute } from './federation/acs.ts';
import { backchannelLogoutRoute } from './federation/backchannel-logout.ts';
import { callbackPostRoute, callbackRoute } from './federation/callback.ts';
import { linkRoute } from './federation/link.ts';
import { linkedRoute } from './federation/linked.ts';
import { metadataRoute } from './federation/metadata.ts';
import { resumeRoute } from './federation/resume.ts';
import { startRoute } from './federation/start.ts';

export function federationRoutes(engine: () => Engine): Route[] {
  return [
    startRoute,
    acsRoute,
    callbackRoute(engine),
    callbackPostRoute,
    resumeRoute,
    linkRoute,
    linkedRoute(engine),
    metadataRoute,
    backchannelLogoutRoute,
  ];
}
