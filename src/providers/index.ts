import type { Config, ProviderId } from '../config.js';
import { LocalProvider } from './local.js';
import type { Provider } from './provider.js';

/** The providers that exist under this configuration; a provider exists when its key does. */
export function providers(_config: Config): ReadonlyMap<ProviderId, Provider> {
  const all: Provider[] = [new LocalProvider()];
  return new Map(all.map((provider) => [provider.id, provider]));
}
