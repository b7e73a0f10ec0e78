import type { Config, ProviderId } from '../config.js';
import { FalProvider, type FalOptions } from './fal.js';
import { LocalProvider } from './local.js';
import type { Provider } from './provider.js';

/** The providers that exist under this configuration; a provider exists when its key does. */
export function providers(
  config: Config,
  hints: Pick<FalOptions, 'typicalSeconds'> = {},
): ReadonlyMap<ProviderId, Provider> {
  const all: Provider[] = [new LocalProvider()];
  const { falKey, falQueueUrl, falRestUrl, allowHosts, pollMs } = config;
  if (falKey !== undefined) {
    all.push(
      new FalProvider({
        key: falKey,
        queueUrl: falQueueUrl,
        restUrl: falRestUrl,
        allowHosts,
        pollMs,
        ...hints,
      }),
    );
  }
  return new Map(all.map((provider) => [provider.id, provider]));
}
