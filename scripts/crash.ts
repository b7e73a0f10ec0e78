import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { isRecord } from '../src/json.js';
import {
  connect,
  removeFolder,
  serverEnv,
  temporaryFolder,
  type TestClient,
} from '../test/support/clients.js';
import { ballPng, dataUri } from '../test/support/images.js';

/**
 * Kills the server with SIGKILL at a random moment of a job, starts it again, and holds what is there against what
 * was promised: every job that was acknowledged finishes, with one whole file, and nothing half written is visible.
 *
 * `npx tsx scripts/crash.ts [KILLS]`
 */
export interface CrashSummary {
  kills: number;
  /** Jobs that the server had answered with an id before it was killed. */
  acknowledged: number;
  finished: number;
  /** What broke a promise, in words. */
  faults: string[];
}

/** @param random answers 0 to 1; the moments of the kills follow from it */
export async function crash(kills: number, random: () => number, typicalMs = 2500): Promise<CrashSummary> {
  const folder = await temporaryFolder();
  const dataDir = path.join(folder, 'data');
  const env = serverEnv(dataDir);
  const acknowledged = new Set<string>();
  const faults: string[] = [];
  try {
    for (let kill = 0; kill < kills; kill++) {
      const client = await connect('v2 modern', env);
      await killDuringJob(client, kill, random() * typicalMs, acknowledged);
    }
    const client = await connect('v2 modern', env);
    let finished = 0;
    for (const jobId of acknowledged) {
      const fault = await checkJob(client, jobId);
      if (fault === undefined) finished++;
      else faults.push(`${jobId}: ${fault}`);
    }
    faults.push(...(await checkFiles(client, dataDir)));
    await client.close();
    return { kills, acknowledged: acknowledged.size, finished, faults };
  } finally {
    await removeFolder(folder);
  }
}

async function killDuringJob(
  client: TestClient,
  seed: number,
  afterMs: number,
  acknowledged: Set<string>,
): Promise<void> {
  const started = client
    .call('local_image_to_3d', {
      image_url: dataUri(await ballPng(seed, 160)),
      depth: 0.5 + seed / 1000,
      target_triangles: 2000,
      texture_size: 1024,
      wait_seconds: 0,
    })
    .then(
      ({ structured }) => {
        if (typeof structured?.['job_id'] === 'string') acknowledged.add(structured['job_id']);
      },
      () => undefined,
    );
  await pause(afterMs);
  if (client.pid !== null) process.kill(client.pid, 'SIGKILL');
  await started;
  await client.close().catch(() => undefined);
}

async function checkJob(client: TestClient, jobId: string): Promise<string | undefined> {
  const { structured: job } = await client.call(
    'wait_for_job',
    { job_id: jobId, wait_seconds: 300 },
    { timeout: 310_000 },
  );
  if (job?.['status'] !== 'succeeded')
    return `status ${String(job?.['status'])}: ${String(job?.['message'])}`;
  const assets = Array.isArray(job['assets']) ? job['assets'].filter(isRecord) : [];
  if (assets.length !== 1) return `${assets.length} assets`;
  const bytes = await readFile(String(assets[0]?.['path']));
  if (createHash('sha256').update(bytes).digest('hex') !== assets[0]?.['sha256'])
    return 'the file is not what the row says';
  if (bytes.readUInt32LE(8) !== bytes.byteLength) return 'the GLB is cut';
  return undefined;
}

/** Every visible model file belongs to an asset, and every asset has its file. */
async function checkFiles(client: TestClient, dataDir: string): Promise<string[]> {
  const known = new Set<string>();
  let cursor: unknown;
  do {
    const { structured } = await client.call('list_assets', {
      limit: 100,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const asset of Array.isArray(structured?.['assets']) ? structured['assets'].filter(isRecord) : []) {
      known.add(path.basename(String(asset['path'])));
    }
    cursor = structured?.['next_cursor'];
  } while (cursor !== undefined);
  const files = await readdir(path.join(dataDir, 'files'));
  const missing = [...known]
    .filter((name) => !files.includes(name))
    .map((name) => `${name} is listed but not there`);
  const cut: string[] = [];
  for (const name of files.filter((file) => file.endsWith('.glb') && !known.has(file))) {
    const bytes = await readFile(path.join(dataDir, 'files', name));
    if (bytes.readUInt32LE(8) !== bytes.byteLength) cut.push(`${name} is half a file`);
  }
  return [...missing, ...cut];
}

/** A small generator of numbers that can be repeated (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const kills = Number(process.argv[2] ?? 50);
  const summary = await crash(kills, seeded(Date.now()));
  for (const fault of summary.faults) console.log(fault);
  console.log(
    `${summary.kills} kills, ${summary.acknowledged} jobs acknowledged, ${summary.finished} finished, ${summary.faults.length} faults`,
  );
  process.exitCode = summary.faults.length === 0 ? 0 : 1;
}
