import net from 'node:net';
import tls from 'node:tls';
import type { Config } from '../../config.js';
import { systemCode } from '../../errors.js';
import { type Check, fail, ok } from './check.js';

/** Whether the services can be reached. Only a connection is made: nothing is sent, so nothing is spent. */

interface Service {
  title: string;
  /** Names of the variables that make it exist. */
  keys: string;
  hasKey: (config: Config) => boolean;
  urls: (config: Config) => string[];
}

const SERVICES: readonly Service[] = [
  {
    title: 'fal.ai',
    keys: 'FAL_KEY',
    hasKey: ({ falKey }) => falKey !== undefined,
    urls: ({ falQueueUrl, falRestUrl }) => [falQueueUrl, falRestUrl],
  },
  {
    title: 'Pixazo',
    keys: 'PIXAZO_API_KEY',
    hasKey: ({ pixazoKey }) => pixazoKey !== undefined,
    urls: ({ pixazoUrl }) => [pixazoUrl],
  },
  {
    title: 'Scenario',
    keys: 'SCENARIO_SDK_API_KEY and SCENARIO_SDK_API_SECRET',
    hasKey: ({ scenarioKey }) => scenarioKey !== undefined,
    urls: ({ scenarioUrl }) => [scenarioUrl],
  },
];

const TIMEOUT_MS = 4_000;

export function checkProviders(config: Config): Promise<Check[]> {
  return Promise.all(SERVICES.map((service) => checkService(service, config)));
}

async function checkService({ title, keys, hasKey, urls }: Service, config: Config): Promise<Check> {
  if (!hasKey(config)) return ok(title, `no key, so its models are not offered; set ${keys} to use them`);
  const hosts = urls(config).map((url) => new URL(url));
  const outcomes = await Promise.all(hosts.map(async (url) => ({ url, trouble: await reach(url) })));
  const unreachable = outcomes.filter(({ trouble }) => trouble !== undefined);
  if (unreachable.length === 0) {
    return ok(title, `key present, ${hosts.map(({ host }) => host).join(' and ')} can be reached`);
  }
  return fail(
    title,
    unreachable.map(({ url, trouble }) => `${url.host} cannot be reached (${trouble})`).join(', '),
    'Check the network, the firewall and the base URL.',
  );
}

/** @returns why no connection can be made, TLS included; `undefined` when one can */
function reach(url: URL): Promise<string | undefined> {
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(url.port) || (secure ? 443 : 80);
  return new Promise((resolve) => {
    const servername = net.isIP(host) ? undefined : host;
    const socket = secure
      ? tls.connect({ host, port, ...(servername === undefined ? {} : { servername }) })
      : net.connect({ host, port });
    const end = (trouble: string | undefined): void => {
      socket.destroy();
      resolve(trouble);
    };
    socket.setTimeout(TIMEOUT_MS, () => end(`no answer in ${TIMEOUT_MS / 1000} s`));
    socket.once(secure ? 'secureConnect' : 'connect', () => end(undefined));
    socket.once('error', (error) => end(systemCode(error) ?? error.message));
  });
}
