import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { loadConfig } from '../../src/config.js';
import { inspect } from '../../src/glb/inspect.js';
import { Jobs } from '../../src/jobs/service.js';
import { createLog } from '../../src/log.js';
import type { Clock } from '../../src/providers/clock.js';
import { findModel } from '../../src/tools/models.js';
import type { Clock as EmulatorClock } from '../emulator/common/clock.js';
import { checkerPng } from '../emulator/common/fixtures/images.js';
import type { Journal } from '../emulator/common/journal.js';
import type { Ledger } from '../emulator/common/ledger.js';
import { FAL_TEST_KEY, type FalEmulator, startFalEmulator } from '../emulator/fal.js';
import { falActionSchema } from '../emulator/fal/plan.js';
import { PIXAZO_TEST_KEY, startPixazoEmulator } from '../emulator/pixazo.js';
import { pixazoActionSchema } from '../emulator/pixazo/plan.js';
import { SCENARIO_TEST_KEY, SCENARIO_TEST_SECRET, startScenarioEmulator } from '../emulator/scenario.js';
import { scenarioActionSchema } from '../emulator/scenario/plan.js';

/** A provider's stand-in with the real jobs service in front of it, both for one cell after the other. */

export type ServiceId = 'fal' | 'pixazo' | 'scenario';

export interface Bench {
  jobs: Jobs;
  journal: Journal;
  ledger: Ledger;
  clock: EmulatorClock;
  /** The role that jobs are bought from. */
  shop: string;
  secrets: readonly string[];
  /** Lines since the last `reset`. */
  log: string[];
  /** @param op what the provider calls the request */
  fault(op: string, action: unknown, times?: number | 'always'): void;
  /** Nobody listens there. */
  down(): Promise<void>;
  /** Every fault is over. */
  mend(): Promise<void>;
  /** What runs there ends as it was meant to. */
  finish(): void;
  /** A small picture that was never seen before, or a public URL. */
  image(kind: 'local' | 'url'): string;
  /** Files of finished models, and what is left in the folder of half ones. */
  files(): Promise<{ models: Map<string, Buffer>; temporary: string[] }>;
  /** Forgets everything but time. */
  reset(): void;
  close(): Promise<void>;
}

export interface BenchOptions {
  /** fal's status is listened to and not polled; the clock is the real one. */
  stream?: boolean;
}

/** Longer than any cell, whatever its clock does. */
const FOR_EVER_MS = 1e13;
const POLL_MS = '50';

interface Stand {
  env: Record<string, string>;
  secrets: readonly string[];
  shop: string;
  journal: Journal;
  ledger: Ledger;
  clock: EmulatorClock;
  fault: Bench['fault'];
  down: () => Promise<void>;
  mend: () => Promise<void>;
  finish: () => void;
  reset: () => void;
  close: () => Promise<void>;
}

const host = (url: string): string => new URL(url).host;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function falEnv(fal: FalEmulator): Record<string, string> {
  return {
    FAL_KEY: FAL_TEST_KEY,
    MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
    MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
    MESHWRIGHT_ALLOW_HOSTS: host(fal.urls.cdn),
  };
}

const STANDS: Record<ServiceId, (options: BenchOptions) => Promise<Stand>> = {
  async fal({ stream = false }) {
    const fal = await startFalEmulator({
      clock: stream ? 'real' : 'virtual',
      jobMs: 200,
      resultLifeMs: FOR_EVER_MS,
      largeResultLifeMs: FOR_EVER_MS,
    });
    return {
      ...fal,
      env: falEnv(fal),
      secrets: [...FAL_TEST_KEY.split(':'), base64(FAL_TEST_KEY)],
      shop: 'queue',
      fault: (op, action, times = 1) =>
        void fal.faults.place({ match: { op }, times, action: falActionSchema.parse(action) }),
      finish: () => {
        for (const { id, state } of fal.jobs.all()) if (state !== 'done') fal.jobs.complete(id);
      },
      down: () => fal.down('queue'),
      mend: async () => {
        fal.faults.clear();
        await fal.up('queue');
      },
    };
  },
  async pixazo() {
    // Pictures that have no public URL are hosted through fal.
    const fal = await startFalEmulator({ clock: 'virtual' });
    const pixazo = await startPixazoEmulator({
      clock: 'virtual',
      jobMs: 200,
      publicOrigins: [fal.urls.cdn],
    });
    const env = falEnv(fal);
    return {
      ...pixazo,
      env: {
        ...env,
        PIXAZO_API_KEY: PIXAZO_TEST_KEY,
        MESHWRIGHT_PIXAZO_URL: pixazo.urls.gateway,
        MESHWRIGHT_ALLOW_HOSTS: `${env['MESHWRIGHT_ALLOW_HOSTS']},${host(pixazo.urls.cdn)}`,
      },
      secrets: [PIXAZO_TEST_KEY, base64(PIXAZO_TEST_KEY), ...FAL_TEST_KEY.split(':')],
      shop: 'gateway',
      fault: (op, action, times = 1) => {
        const rule = { match: { op }, times };
        if (op === 'initiate' || op === 'put') {
          fal.faults.place({ ...rule, action: falActionSchema.parse(action) });
        } else {
          pixazo.faults.place({ ...rule, action: pixazoActionSchema.parse(action) });
        }
      },
      finish: () => {
        for (const { id, state } of pixazo.jobs.all()) if (state !== 'done') pixazo.jobs.complete(id);
      },
      down: () => pixazo.down('gateway'),
      mend: async () => {
        for (const emulator of [fal, pixazo]) emulator.faults.clear();
        await pixazo.up('gateway');
      },
      reset: () => {
        fal.reset();
        pixazo.reset();
      },
      close: async () => {
        await Promise.all([fal.close(), pixazo.close()]);
      },
    };
  },
  async scenario() {
    const scenario = await startScenarioEmulator({
      clock: 'virtual',
      jobMs: 200,
      urlLifeMs: FOR_EVER_MS,
      validateMs: 100,
    });
    // Lost jobs are looked for by the time at which they were sent.
    scenario.clock.advance(Date.now() - scenario.clock.now());
    const { cdn, storage } = scenario.urls;
    const pair = `${SCENARIO_TEST_KEY}:${SCENARIO_TEST_SECRET}`;
    return {
      ...scenario,
      env: {
        SCENARIO_SDK_API_KEY: SCENARIO_TEST_KEY,
        SCENARIO_SDK_API_SECRET: SCENARIO_TEST_SECRET,
        MESHWRIGHT_SCENARIO_URL: scenario.urls.api,
        MESHWRIGHT_ALLOW_HOSTS: `${host(cdn)},${host(storage)}`,
      },
      secrets: [SCENARIO_TEST_KEY, SCENARIO_TEST_SECRET, base64(pair)],
      shop: 'api',
      fault: (op, action, times = 1) =>
        void scenario.faults.place({ match: { op }, times, action: scenarioActionSchema.parse(action) }),
      finish: () => {
        for (const { id, state } of scenario.jobs.all()) if (state !== 'done') scenario.jobs.complete(id);
      },
      down: () => scenario.down('api'),
      mend: async () => {
        scenario.faults.clear();
        await scenario.up('api');
      },
    };
  },
};

let pictures = 0;

export async function openBench(provider: ServiceId, options: BenchOptions = {}): Promise<Bench> {
  const folder = await mkdtemp(path.join(tmpdir(), 'meshwright-faults-'));
  const stand = await STANDS[provider](options);
  const log: string[] = [];
  const config = loadConfig({
    ...stand.env,
    MESHWRIGHT_DATA_DIR: folder,
    MESHWRIGHT_ALLOWED_DIRS: folder,
    ...(options.stream ? {} : { MESHWRIGHT_POLL_MS: POLL_MS }),
  });
  const jobs = new Jobs({
    config,
    log: createLog('debug', (line) => void log.push(line)),
    model: (tool) => Promise.resolve(findModel(tool)),
    inspect: async (file) => inspect(await readFile(file)),
    ...(options.stream ? {} : { clock: skipping(stand.clock) }),
  });
  await jobs.start();
  return {
    ...stand,
    jobs,
    log,
    image(kind) {
      pictures += 1;
      if (kind === 'url') return `https://example.com/${pictures}.png`;
      const colour = [pictures & 255, (pictures >> 8) & 255, 99] as const;
      const png = checkerPng(64, colour, [200, 30, 40]);
      return `data:image/png;base64,${png.toString('base64')}`;
    },
    async files() {
      const models = new Map<string, Buffer>();
      for (const name of await readdir(path.join(folder, 'files')).catch(() => [])) {
        if (!name.startsWith('asset_')) continue;
        const bytes = await readFile(path.join(folder, 'files', name));
        models.set(createHash('sha256').update(bytes).digest('hex'), bytes);
      }
      const names = await readdir(path.join(folder, 'tmp')).catch(() => []);
      // The note on a file that has its row by now goes a moment after the answer.
      return { models, temporary: names.filter((name) => !name.includes('+asset_')) };
    },
    reset() {
      stand.reset();
      log.length = 0;
    },
    async close() {
      await jobs.stop();
      await stand.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** To wait is to move the provider's clock, so that hours pass in no time; the least bit of it lets others work. */
function skipping(clock: EmulatorClock): Clock {
  return {
    now: clock.now,
    async sleep(ms, signal) {
      signal.throwIfAborted();
      clock.advance(ms);
      await pause(Math.min(ms, 2), undefined, { signal });
    },
  };
}
