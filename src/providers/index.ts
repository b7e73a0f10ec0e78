import { type Config, type Credentials, credentialsOf, type ProviderId } from '../config.js';
import { FalProvider, type FalOptions } from './fal.js';
import { LocalProvider } from './local.js';
import { PixazoProvider } from './pixazo.js';
import type { Provider } from './provider.js';
import { ScenarioProvider } from './scenario.js';

type Hints = Pick<FalOptions, 'typicalSeconds' | 'resolve' | 'observe' | 'clock'>;

/** The providers of every set of keys that is in use; equal keys share connections and uploads. */
export class Providers {
  readonly #hints: Hints;
  /** One for all: it knows no key, and what it works on is in this process. */
  readonly #local = new LocalProvider();
  readonly #byKeys = new Map<string, ReadonlyMap<ProviderId, Provider>>();

  constructor(hints: Hints = {}) {
    this.#hints = hints;
  }

  /** A provider exists when its key does. */
  of(config: Config): ReadonlyMap<ProviderId, Provider> {
    const credentials = credentialsOf(config);
    const keys = JSON.stringify(credentials);
    const known = this.#byKeys.get(keys) ?? providersFor(credentials, config, this.#local, this.#hints);
    this.#byKeys.set(keys, known);
    return known;
  }
}

function providersFor(
  credentials: Credentials,
  config: Config,
  local: LocalProvider,
  hints: Hints,
): ReadonlyMap<ProviderId, Provider> {
  const all: Provider[] = [local];
  const { allowHosts, pollMs, falQueueUrl: queueUrl, falRestUrl: restUrl } = config;
  const fal =
    credentials.fal &&
    new FalProvider({ ...credentials.fal, queueUrl, restUrl, allowHosts, pollMs, ...hints });
  if (fal) all.push(fal);
  if (credentials.pixazo) {
    const host = fal ? { hostImage: fal.upload.bind(fal), hostTitle: fal.title } : {};
    all.push(new PixazoProvider({ ...credentials.pixazo, url: config.pixazoUrl, pollMs, ...host, ...hints }));
  }
  if (credentials.scenario) {
    const url = config.scenarioUrl;
    all.push(new ScenarioProvider({ ...credentials.scenario, url, allowHosts, pollMs, ...hints }));
  }
  return new Map(all.map((provider) => [provider.id, provider]));
}

export type { ObserveCall } from './lazy.js';
