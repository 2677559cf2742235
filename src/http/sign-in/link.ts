import { z } from 'zod';
import { confirmLink } from '../../core/sign-in/sign-in.ts';
import type { Engine } from '../../provider/provider.ts';
import type { Route } from '../route.ts';
import { actionRoute } from './action.ts';

/** A yes, said by the form of the page that asks: a link never comes of following one (login CSRF). */
const body = z.object({ confirm: z.union([z.literal(true), z.literal('true')]) });

export const linkRoute = (engine: () => Engine): Route =>
  actionRoute(engine, { name: 'link', body, transition: confirmLink });
