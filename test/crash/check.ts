import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { inspect } from '../../src/glb/inspect.js';
import { idIn } from '../../src/providers/provider.js';
import { openStore, type Store } from '../../src/store/index.js';
import type { Job } from '../../src/store/types.js';
import type { Order } from './run.js';
import { PAID, type World } from './world.js';

/** What is in the data folder, against what was answered and what the providers' books say. */

export interface Findings {
  jobs: number;
  succeeded: number;
  /** Jobs of which nobody can know whether they were bought; nothing was sent again for them. */
  unconfirmed: number;
  /** In words, one line each. */
  lost: string[];
  boughtTwice: string[];
  halfFiles: string[];
  orphans: string[];
}

const PRINCIPAL = 'local';

export async function findingsOf(world: World, orders: readonly Order[]): Promise<Findings> {
  const { dataDir } = world;
  const store = openStore(dataDir);
  try {
    const rows = await allJobs(store);
    const byId = new Map(rows.map((row) => [row.id, row]));
    const lost: string[] = [];
    const boughtTwice: string[] = [];
    for (const order of orders) {
      for (const id of order.jobs) if (!byId.has(id)) lost.push(`${id} was answered and is not there`);
      if (order.jobs.size > 1) boughtTwice.push(`one order has the jobs ${[...order.jobs].join(', ')}`);
      if (order.jobs.size === 0) lost.push(`an order of ${order.tool} has no job: ${order.refusal}`);
    }
    for (const row of rows) {
      if (row.state !== 'succeeded' && row.state !== 'unconfirmed')
        lost.push(`${row.id} over ${row.provider} is ${row.state}: ${row.error?.message ?? row.stage}`);
      if (row.state === 'unconfirmed' && row.provider === 'local')
        lost.push(`${row.id} is free and unconfirmed`);
    }
    for (const provider of PAID) {
      const own = rows.filter((row) => row.provider === provider);
      const books = world.accepted(provider);
      const held = own.flatMap(({ operation }) => (operation === undefined ? [] : [idIn(operation)]));
      for (const id of new Set(held)) {
        const count = held.filter((other) => other === id).length;
        if (count > 1) boughtTwice.push(`${count} rows have the job ${id} of ${provider}`);
        if (!books.some(({ requestId }) => requestId === id)) lost.push(`${provider} does not know ${id}`);
      }
      for (const input of new Set(books.map(({ inputHash }) => inputHash))) {
        const count = books.filter(({ inputHash }) => inputHash === input).length;
        if (count > 1) boughtTwice.push(`${provider} took ${count} jobs with the input ${input}`);
      }
      // What was accepted and belongs to nobody is what an unconfirmed job speaks of.
      const free = books.filter(({ requestId }) => !held.includes(requestId));
      const doubtful = own.filter(({ state }) => state === 'unconfirmed').length;
      if (free.length > doubtful)
        lost.push(`${provider} took ${free.length} jobs that no row has, and ${doubtful} are unconfirmed`);
      if (provider === 'scenario' && free.length > 0)
        lost.push(`${provider} lists ${free.length} jobs that were not found there`);
    }
    return {
      jobs: rows.length,
      succeeded: rows.filter(({ state }) => state === 'succeeded').length,
      unconfirmed: rows.filter(({ state }) => state === 'unconfirmed').length,
      lost,
      boughtTwice,
      ...(await filesOf(store, dataDir, rows)),
    };
  } finally {
    await store.close();
  }
}

async function allJobs({ jobs }: Store): Promise<Job[]> {
  const all: Job[] = [];
  let cursor: string | undefined;
  do {
    const page = await jobs.list({ principal: PRINCIPAL, limit: 100, cursor });
    all.push(...page.rows);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return all;
}

async function filesOf(
  store: Store,
  dataDir: string,
  rows: readonly Job[],
): Promise<Pick<Findings, 'halfFiles' | 'orphans'>> {
  const halfFiles: string[] = [];
  const known = new Set<string>();
  for (const { id, state } of rows) {
    const assets = await store.jobs.assetsOf(id);
    if (state === 'succeeded' && !assets.some(({ role }) => role === 'model'))
      halfFiles.push(`${id} has no model`);
    for (const { key, sha256, sizeBytes, format } of assets) {
      known.add(key);
      const bytes = await readFile(path.join(dataDir, 'files', key)).catch(() => undefined);
      if (!bytes) halfFiles.push(`${key} is not there`);
      else if (bytes.length !== sizeBytes || createHash('sha256').update(bytes).digest('hex') !== sha256)
        halfFiles.push(`${key} is not what its row says`);
      else if (format === 'glb' && (await inspect(bytes).catch(() => undefined)) === undefined)
        halfFiles.push(`${key} cannot be read`);
    }
  }
  const files = await readdir(path.join(dataDir, 'files'));
  const temporary = await readdir(path.join(dataDir, 'tmp')).catch(() => []);
  return {
    halfFiles,
    orphans: [
      ...temporary.map((name) => `tmp/${name}`),
      // Images are kept for an hour, for calls whose rows are on the way.
      ...files
        .filter((name) => !name.startsWith('input_') && !known.has(name))
        .map((name) => `files/${name}`),
    ],
  };
}
