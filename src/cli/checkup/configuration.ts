import { type Config, ConfigurationError, loadConfig } from '../../../config/load.ts';
import { failed, type Finding, passed, warning } from './finding.ts';

/** The settings of this process with what there is to say about them; undefined when they are not right. */
export function readConfiguration(): { readonly config?: Config; readonly findings: readonly Finding[] } {
  try {
    const config = loadConfig();
    return { config, findings: [ofMode(config), ofCookies(config)] };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const remedy = 'See docs/configuration.md.';
    return { findings: error.problems.map((problem) => failed('configuration', problem, remedy)) };
  }
}

function ofMode({ production, issuer }: Config): Finding {
  if (production) return passed('configuration', `is complete, for ${issuer}`);
  const found = `is for development, at ${issuer}`;
  return warning('configuration', found, 'With NODE_ENV=production what is unsafe is refused.');
}

function ofCookies({ issuer }: Config): Finding {
  if (issuer.startsWith('https:')) return passed('cookies', 'Secure, and bound to the host by their prefix');
  const found = 'not Secure, since ISSUER begins with http:';
  return warning('cookies', found, 'Have ISSUER begin with https: wherever people sign in.');
}
