import { z } from 'zod';
import { askForCompany } from '../../core/sign-in/sign-in.ts';
import type { Engine } from '../../provider/provider.ts';
import type { Route } from '../route.ts';
import { actionRoute } from './action.ts';

/** An empty address leads to the page that asks for one. */
const body = z.object({ email: z.string().max(1000).optional(), connection: z.string().max(80).optional() });

export const companyRoute = (engine: () => Engine): Route =>
  actionRoute(engine, { name: 'company', body, transition: askForCompany });
