import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { isRecord } from '../../../src/json.js';
import { FAL_TEST_KEY, type FalEmulator, type FalOptions, startFalEmulator } from '../../emulator/fal.js';
import {
  type ConnectOptions,
  connect,
  removeFolder,
  serverEnv,
  temporaryFolder,
  type TestClient,
  type ToolResult,
} from '../../support/clients.js';

/** A provider, a data folder and what can befall them; all of it ends with the test. */

const PICTURE = 'https://storage.googleapis.com/falserverless/a.png';
const LOCKER = fileURLToPath(new URL('locker.mjs', import.meta.url));
const SHIFTED = new URL('shifted-clock.mjs', import.meta.url).href;
/** For the environment of a process whose disks have only so much free. */
export const littleSpace = (bytes: number): Record<string, string> => ({
  NODE_OPTIONS: `--import ${new URL('little-space.mjs', import.meta.url).href}`,
  FREE_BYTES: String(bytes),
});

export interface Place {
  folder: string;
  /** The data folder. */
  data: string;
  fal: FalEmulator;
  env: (data?: string) => Record<string, string>;
  /** A server of its own on the data folder. */
  server: (data?: string, options?: ConnectOptions) => Promise<TestClient>;
  /** Sets the clock of every server of this place, in hours from the true time. */
  setClock: (hours: number) => Promise<void>;
}

export async function place(options: FalOptions = {}): Promise<Place> {
  const folder = await temporaryFolder();
  onTestFinished(() => removeFolder(folder));
  const fal = await startFalEmulator({ jobMs: 300, ...options });
  onTestFinished(() => fal.close());
  const shift = path.join(folder, 'shift');
  await writeFile(shift, '0');
  const env = (data = path.join(folder, 'data')): Record<string, string> =>
    serverEnv(data, {
      FAL_KEY: FAL_TEST_KEY,
      MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
      MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
      MESHWRIGHT_ALLOW_HOSTS: new URL(fal.urls.cdn).host,
      NODE_OPTIONS: `--import ${SHIFTED}`,
      SHIFT_FILE: shift,
    });
  return {
    folder,
    data: path.join(folder, 'data'),
    fal,
    env,
    server: async (data, connecting = {}) => {
      const client = await connect('v1', env(data), [], connecting);
      onTestFinished(() => client.close().catch(() => undefined));
      return client;
    },
    setClock: async (hours) => {
      await writeFile(shift, String(hours * 3_600_000));
      // Twice the time after which it is read again.
      await pause(40);
    },
  };
}

/** Locks the database of a data folder against everybody; answers how to unlock it. */
export async function lock(data: string): Promise<(() => Promise<void>) & { pid: number | undefined }> {
  const child = spawn(process.execPath, [LOCKER, path.join(data, 'jobs.db')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill());
  await once(child.stdout, 'data');
  const unlock = async (): Promise<void> => {
    child.stdin.end();
    await once(child, 'exit');
  };
  return Object.assign(unlock, { pid: child.pid });
}

/** A call of a paid tool; every seed is another job. */
export function buy(client: TestClient, seed: number, waitSeconds: number): Promise<ToolResult> {
  return client.call('trellis', { image_url: PICTURE, seed, wait_seconds: waitSeconds });
}

export const idOf = ({ structured }: ToolResult): unknown => structured?.['job_id'];

/** What `get_job` says, once it has this status. */
export async function until(
  client: TestClient,
  id: unknown,
  status: string,
  ms = 15_000,
): Promise<ToolResult> {
  let seen = await client.call('get_job', { job_id: id });
  await expect
    .poll(
      async () => {
        seen = await client.call('get_job', { job_id: id });
        return seen.structured?.['status'] ?? seen.text;
      },
      { timeout: ms, interval: 100 },
    )
    .toBe(status);
  return seen;
}

/** The rows of `list_jobs`, newest first. */
export async function jobs(client: TestClient): Promise<Record<string, unknown>[]> {
  const listed = (await client.call('list_jobs', {})).structured?.['jobs'];
  return Array.isArray(listed) ? listed.filter(isRecord) : [];
}

/** No input was accepted twice by the provider. */
export function expectNoneTwice({ ledger }: FalEmulator): void {
  expect([...ledger.byInput().values()].filter((equal) => equal.length > 1)).toEqual([]);
}
