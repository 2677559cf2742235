import type { Config } from '../../../config/load.ts';
import type { SocialProvider } from '../../core/identities/identities.ts';
import { apple } from './apple.ts';
import { facebook } from './facebook.ts';
import { github } from './github.ts';
import { google } from './google.ts';
import { linkedin } from './linkedin.ts';
import { microsoft } from './microsoft.ts';
import type { Dialect } from './provider.ts';

/** Undefined for a provider that is not switched on. */
export function dialectOf({ social }: Pick<Config, 'social'>, provider: SocialProvider): Dialect | undefined {
  switch (provider) {
    case 'google':
      return social.google && google(social.google);
    case 'microsoft':
      return social.microsoft && microsoft(social.microsoft);
    case 'linkedin':
      return social.linkedin && linkedin(social.linkedin);
    case 'facebook':
      return social.facebook && facebook(social.facebook);
    case 'apple':
      return social.apple && apple(social.apple);
    case 'github':
      return social.github && github(social.github);
  }
}
