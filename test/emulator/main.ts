import { parseArgs } from 'node:util';
import type { ClockMode } from './common/clock.js';
import { FAL_TEST_KEY, startFalEmulator } from './fal.js';
import { PIXAZO_TEST_KEY, startPixazoEmulator } from './pixazo.js';
import { SCENARIO_TEST_KEY, SCENARIO_TEST_SECRET, startScenarioEmulator } from './scenario.js';

interface Started {
  urls: Record<string, string>;
  /** What points meshwright at the emulator. */
  environment: Record<string, string>;
  close(): Promise<void>;
}

interface Options {
  clock: ClockMode;
  timeScale?: number;
  jobMs?: number;
  jitterMs: number;
  journalLimit: number;
  ports: { control: number };
  seed?: string;
}

const EMULATORS: Record<string, (options: Options, publicOrigins: string[]) => Promise<Started>> = {
  async fal(options) {
    const fal = await startFalEmulator(options);
    const environment = {
      FAL_KEY: FAL_TEST_KEY,
      MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
      MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
      MESHWRIGHT_ALLOW_HOSTS: hosts(fal.urls.cdn),
    };
    return { urls: fal.urls, environment, close: () => fal.close() };
  },
  async pixazo(options, publicOrigins) {
    const pixazo = await startPixazoEmulator({ ...options, publicOrigins });
    const environment = {
      PIXAZO_API_KEY: PIXAZO_TEST_KEY,
      MESHWRIGHT_PIXAZO_URL: pixazo.urls.gateway,
      MESHWRIGHT_ALLOW_HOSTS: hosts(pixazo.urls.cdn),
    };
    return { urls: pixazo.urls, environment, close: () => pixazo.close() };
  },
  async scenario(options) {
    const scenario = await startScenarioEmulator(options);
    const environment = {
      SCENARIO_SDK_API_KEY: SCENARIO_TEST_KEY,
      SCENARIO_SDK_API_SECRET: SCENARIO_TEST_SECRET,
      MESHWRIGHT_SCENARIO_URL: scenario.urls.api,
      MESHWRIGHT_ALLOW_HOSTS: hosts(scenario.urls.cdn, scenario.urls.storage),
    };
    return { urls: scenario.urls, environment, close: () => scenario.close() };
  },
};

/** `host:port` of each, as MESHWRIGHT_ALLOW_HOSTS wants them. */
function hosts(...urls: string[]): string {
  return urls.map((url) => new URL(url).host).join(',');
}

/**
 * An emulator as a process of its own: `npx tsx test/emulator/main.ts fal|pixazo|scenario [--clock virtual]
 * [--time-scale 0.02] [--job-ms 5000] [--jitter-ms 1000] [--control-port 4100] [--seed text]`, for Pixazo also
 * `[--public-origin http://127.0.0.1:4200]…` (where images that count as public may lie: fal's CDN). Prints one line of
 * JSON with its URLs and the environment that points meshwright at it, and runs until it is ended by a signal or by its
 * parent. With several emulators, join their MESHWRIGHT_ALLOW_HOSTS by commas.
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      clock: { type: 'string', default: 'real' },
      'time-scale': { type: 'string' },
      'job-ms': { type: 'string' },
      'jitter-ms': { type: 'string', default: '0' },
      'control-port': { type: 'string', default: '0' },
      'journal-limit': { type: 'string', default: '10000' },
      'public-origin': { type: 'string', multiple: true, default: [] },
      seed: { type: 'string' },
    },
  });
  const [name = ''] = positionals;
  const start = EMULATORS[name];
  if (!start) throw new Error(`Say which emulator to start: ${Object.keys(EMULATORS).join(', ')}.`);
  const started = await start(
    {
      clock: values.clock === 'real' || values.clock === 'virtual' ? values.clock : Number(values.clock),
      ...(values['time-scale'] === undefined ? {} : { timeScale: Number(values['time-scale']) }),
      ...(values['job-ms'] === undefined ? {} : { jobMs: Number(values['job-ms']) }),
      jitterMs: Number(values['jitter-ms']),
      journalLimit: Number(values['journal-limit']),
      ports: { control: Number(values['control-port']) },
      ...(values.seed === undefined ? {} : { seed: values.seed }),
    },
    values['public-origin'],
  );
  const { urls, environment } = started;
  process.stdout.write(`${JSON.stringify({ emulator: name, urls, environment })}\n`);
  const end = (): void => void started.close();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
  process.once('disconnect', end);
}

await main();
