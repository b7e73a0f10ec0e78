import path from 'node:path';
import type { ProviderId } from '../../src/config.js';
import type { LedgerEntry } from '../emulator/common/ledger.js';
import { FAL_TEST_KEY, startFalEmulator } from '../emulator/fal.js';
import { PIXAZO_TEST_KEY, startPixazoEmulator } from '../emulator/pixazo.js';
import { SCENARIO_TEST_KEY, SCENARIO_TEST_SECRET, startScenarioEmulator } from '../emulator/scenario.js';
import { connect, removeFolder, serverEnv, temporaryFolder, type TestClient } from '../support/clients.js';

/** Three providers that are never killed, and servers on one data folder that are. */

export type Paid = Exclude<ProviderId, 'local'>;
export const PAID: readonly Paid[] = ['fal', 'pixazo', 'scenario'];

export interface World {
  dataDir: string;
  start(slot: number): Promise<TestClient>;
  /** What a provider accepted, by its own books. */
  accepted(provider: Paid): LedgerEntry[];
  close(): Promise<void>;
}

const host = (url: string): string => new URL(url).host;

/** @param jobMs how long the jobs of the providers take at least, milliseconds */
export async function openWorld(jobMs: number): Promise<World> {
  const usual = { clock: 'real', jobMs, jitterMs: 3 * jobMs, journalLimit: 100 } as const;
  const fal = await startFalEmulator({ ...usual, concurrency: 1_000 });
  const pixazo = await startPixazoEmulator({ ...usual, publicOrigins: [fal.urls.cdn] });
  const scenario = await startScenarioEmulator({ ...usual, validateMs: 50 });
  // Every step takes long enough to be killed in, before the provider acts as well as after it.
  const slow = { match: { op: 'submit' }, times: 'always', action: { type: 'delay', ms: 60 } } as const;
  fal.faults.place(slow);
  pixazo.faults.place(slow);
  scenario.faults.place(slow);
  const drip = { match: { op: 'download' }, times: 'always', action: { type: 'drip', bytes: 700, everyMs: 30 } } as const; // prettier-ignore
  fal.faults.place(drip);
  pixazo.faults.place(drip);
  scenario.faults.place(drip);

  const folder = await temporaryFolder();
  const dataDir = path.join(folder, 'data');
  const hosts = [fal.urls.cdn, pixazo.urls.cdn, scenario.urls.cdn, scenario.urls.storage].map(host);
  const env = serverEnv(dataDir, {
    FAL_KEY: FAL_TEST_KEY,
    MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
    MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
    PIXAZO_API_KEY: PIXAZO_TEST_KEY,
    MESHWRIGHT_PIXAZO_URL: pixazo.urls.gateway,
    SCENARIO_SDK_API_KEY: SCENARIO_TEST_KEY,
    SCENARIO_SDK_API_SECRET: SCENARIO_TEST_SECRET,
    MESHWRIGHT_SCENARIO_URL: scenario.urls.api,
    MESHWRIGHT_ALLOW_HOSTS: hosts.join(','),
    MESHWRIGHT_DEDUPE_SECONDS: '86400',
  });
  // One follows jobs as usual, the other asks often.
  const envs = [env, { ...env, MESHWRIGHT_POLL_MS: '100' }];
  const ledgers = { fal: fal.ledger, pixazo: pixazo.ledger, scenario: scenario.ledger };
  return {
    dataDir,
    start: (slot) => connect(slot % 2 === 0 ? 'v2 modern' : 'v1', envs[slot] ?? env),
    accepted: (provider) => ledgers[provider].entries(),
    async close() {
      await Promise.all([fal.close(), pixazo.close(), scenario.close()]);
      await removeFolder(folder);
    },
  };
}
