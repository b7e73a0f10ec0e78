import http from 'node:http';
import https from 'node:https';
import type { Config, ProviderId } from '../../config.js';
import { MeshwrightError, systemCode } from '../../errors.js';
import { Prices } from '../../jobs/prices.js';
import { isJsonObject, type JsonObject, toJson } from '../../json.js';
import { Providers } from '../../providers/index.js';
import type { Provider } from '../../providers/provider.js';
import { ScenarioProvider } from '../../providers/scenario.js';
import { findModel, models } from '../../tools/models.js';
import { formatSeconds, formatUsd } from '../text.js';
import { type Check, fail, ok, warn } from './check.js';

/**
 * Whether the services can be reached, whether they know the key, and what a usual job costs there. What is asked
 * can start no job: nothing is spent.
 */

interface Service {
  id: ProviderId;
  title: string;
  /** Names of the variables that make it exist. */
  keys: string;
  urls: (config: Config) => string[];
}

const SERVICES: readonly Service[] = [
  {
    id: 'fal',
    title: 'fal.ai',
    keys: 'FAL_KEY',
    urls: ({ falQueueUrl, falRestUrl }) => [falQueueUrl, falRestUrl],
  },
  {
    id: 'pixazo',
    title: 'Pixazo',
    keys: 'PIXAZO_API_KEY',
    urls: ({ pixazoUrl }) => [pixazoUrl],
  },
  {
    id: 'scenario',
    title: 'Scenario',
    keys: 'SCENARIO_SDK_API_KEY and SCENARIO_SDK_API_SECRET',
    urls: ({ scenarioUrl }) => [scenarioUrl],
  },
];

const TIMEOUT_MS = 4_000;
/** Less is the way there and back. */
const MAX_SKEW_MS = 60_000;
/** The model whose price is told: every provider runs it. */
const USUAL = 'pixal3d';

export async function checkProviders(config: Config): Promise<Check[]> {
  const all = new Providers().of(config);
  const [prices, ...troubles] = readPrices(config);
  const skews: Skew[] = [];
  const checks = await Promise.all(
    SERVICES.map((service) => checkService(service, config, all.get(service.id), prices, skews)),
  );
  return [...troubles, ...checks, ...checkClock(skews)];
}

/** By how much this machine's clock is ahead of a service's. */
interface Skew {
  title: string;
  ms: number;
}

/** Leases, links and the limits of a day go by this machine's clock; providers' signatures go by theirs. */
function checkClock(skews: readonly Skew[]): Check[] {
  const name = 'clock';
  const worst = skews.toSorted((a, b) => Math.abs(b.ms) - Math.abs(a.ms))[0];
  if (!worst) return [];
  const { title, ms } = worst;
  if (Math.abs(ms) <= MAX_SKEW_MS) return [ok(name, `agrees with that of ${title}`)];
  return [
    warn(
      name,
      `is ${formatSeconds(Math.abs(ms) / 1000)} ${ms > 0 ? 'ahead of' : 'behind'} that of ${title}`,
      'Let the system set it from the network: jobs are kept, but the limits of a day and signed links go by it.',
    ),
  ];
}

function readPrices({ prices }: Config): [Prices, ...Check[]] {
  try {
    const own = new Prices(prices);
    return [
      own,
      ...own
        .strangers(models())
        .map((sentence) => warn('prices', sentence, `Correct the name in ${prices}.`)),
    ];
  } catch (error) {
    if (!(error instanceof MeshwrightError)) throw error;
    return [new Prices(undefined), fail('prices', error.message)];
  }
}

async function checkService(
  { id, title, keys, urls }: Service,
  config: Config,
  provider: Provider | undefined,
  prices: Prices,
  skews: Skew[],
): Promise<Check> {
  if (!provider) return ok(title, `no key, so its models are not offered; set ${keys} to use them`);
  const hosts = urls(config).map((url) => new URL(url));
  const outcomes = await Promise.all(hosts.map(async (url) => ({ url, ...(await reach(url)) })));
  for (const { skewMs } of outcomes) if (skewMs !== undefined) skews.push({ title, ms: skewMs });
  const unreachable = outcomes.filter(({ trouble }) => trouble !== undefined);
  if (unreachable.length > 0) {
    return fail(
      title,
      unreachable.map(({ url, trouble }) => `${url.host} cannot be reached (${trouble})`).join(', '),
      'Check the network, the firewall and the base URL. If the service is down, its jobs wait and are asked about again.',
    );
  }
  const reached = `${hosts.map(({ host }) => host).join(' and ')} can be reached`;
  const verdict = await provider.checkKey?.({ signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (verdict?.key === 'refused') {
    return fail(title, `the key is refused: ${verdict.why}`, `Set ${keys} to an active key of ${title}.`);
  }
  if (verdict?.key !== 'accepted') {
    const why = verdict?.why ?? 'it cannot be asked';
    return warn(title, `${reached}, but does not say whether it knows the key (${why})`, 'Try again later.');
  }
  return ok(title, `key accepted, ${reached}; ${await priceOf(id, provider, prices)}`);
}

/** What a call with defaults costs, in words. */
async function priceOf(id: ProviderId, provider: Provider, prices: Prices): Promise<string> {
  const model = findModel(USUAL);
  const route = model?.routes.find((one) => one.provider === id);
  if (!model || !route) return 'its prices are in list_models';
  const args = defaultsOf(model.input.parse({ image_url: 'https://example.com/image.png' }));
  const usd = prices.estimateUsd(route, args);
  const call = `a default ${USUAL} call`;
  if (usd !== null) return `${call} costs ${formatUsd(usd)}`;
  if (!(provider instanceof ScenarioProvider)) return `what ${call} costs is not published`;
  try {
    // Without an image nothing can start, even if somebody on the way should take the dry run for a real one.
    const { image: _image, ...body } = route.request(args, {});
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return `${call} costs ${await provider.estimateUnits(route.endpoint, body, { signal })} creative units`;
  } catch {
    return `what ${call} costs in creative units is told by a dry run with its image`;
  }
}

function defaultsOf(parsed: unknown): JsonObject {
  const json = toJson(parsed);
  if (!isJsonObject(json)) return {};
  const { image_url: _image, ...args } = json;
  return args;
}

interface Reached {
  /** Why no connection can be made, TLS included. */
  trouble?: string | undefined;
  /** How far this machine's clock is ahead, where the answer has a date. */
  skewMs?: number | undefined;
}

/** Asks for nothing, without the key: a connection is enough, whatever is answered. */
function reach(url: URL): Promise<Reached> {
  const secure = url.protocol === 'https:';
  return new Promise((resolve) => {
    let connected = false;
    const request = (secure ? https : http).request(new URL('/', url), { method: 'HEAD', agent: false });
    const end = (reached: Reached): void => {
      clearTimeout(timer);
      request.destroy();
      resolve(reached);
    };
    const timer = setTimeout(
      () => end(connected ? {} : { trouble: `no answer in ${TIMEOUT_MS / 1000} s` }),
      TIMEOUT_MS,
    );
    request.once('socket', (socket) =>
      socket.once(secure ? 'secureConnect' : 'connect', () => (connected = true)),
    );
    request.once('response', ({ headers }) => {
      const theirs = Date.parse(headers.date ?? '');
      end(Number.isNaN(theirs) ? {} : { skewMs: Date.now() - theirs });
    });
    request.on('error', (error) => end(connected ? {} : { trouble: systemCode(error) ?? error.message }));
    request.end();
  });
}
