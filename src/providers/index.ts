import type { Config, ProviderId } from '../config.js';
import { FalProvider, type FalOptions } from './fal.js';
import { LocalProvider } from './local.js';
import { PixazoProvider } from './pixazo.js';
import type { Provider } from './provider.js';
import { ScenarioProvider } from './scenario.js';

/** The providers that exist under this configuration; a provider exists when its key does. */
export function providers(
  config: Config,
  hints: Pick<FalOptions, 'typicalSeconds'> = {},
): ReadonlyMap<ProviderId, Provider> {
  const all: Provider[] = [new LocalProvider()];
  const { falKey, pixazoKey, scenarioKey, scenarioSecret, allowHosts, pollMs } = config;
  const fal =
    falKey === undefined
      ? undefined
      : new FalProvider({
          key: falKey,
          queueUrl: config.falQueueUrl,
          restUrl: config.falRestUrl,
          allowHosts,
          pollMs,
          ...hints,
        });
  if (fal) all.push(fal);
  if (pixazoKey !== undefined) {
    const host = fal ? { hostImage: fal.upload.bind(fal), hostTitle: fal.title } : {};
    all.push(new PixazoProvider({ key: pixazoKey, url: config.pixazoUrl, pollMs, ...host, ...hints }));
  }
  if (scenarioKey !== undefined && scenarioSecret !== undefined) {
    const url = config.scenarioUrl;
    all.push(
      new ScenarioProvider({ key: scenarioKey, secret: scenarioSecret, url, allowHosts, pollMs, ...hints }),
    );
  }
  return new Map(all.map((provider) => [provider.id, provider]));
}
