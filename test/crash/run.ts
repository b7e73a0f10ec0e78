import path from 'node:path';
import { isRecord } from '../../src/json.js';
import { isFinal } from '../../src/jobs/transition.js';
import type { Job } from '../../src/store/types.js';
import { Random } from '../fuzz/random.js';
import { removeFolder, temporaryFolder } from '../support/clients.js';
import { Agents } from './calls.js';
import { Emulators, SERVICES } from './emulators.js';
import { halfFiles, lastingOrphans } from './files.js';
import { Moments } from './moments.js';
import { type Books, boughtTwice, boughtUnseen, lostJobs } from './purchases.js';
import { all, readRows } from './rows.js';
import { Servers } from './servers.js';

/**
 * Two servers on one data folder are killed with SIGKILL at random moments, again and again, while agents order free
 * and paid jobs, repeat every order whose answer they did not get, and now and then buy one anew. Then what is there is
 * held against what was promised, what was answered, and what the providers' books say.
 */

export interface CrashOptions {
  kills: number;
  /** What is ordered, which server is killed and when follow from it, as far as processes can be repeated. */
  seed: number;
  /** Called after every kill. */
  onKill?: (kills: number) => void;
}

export interface CrashSummary {
  kills: number;
  /** Equal calls are one order. */
  orders: number;
  /** Calls, repetitions among them. */
  calls: number;
  jobs: number;
  succeeded: number;
  /** Jobs whose submit was cut off by a kill; nothing was sent again for them. */
  unconfirmed: number;
  /** Of these, those that had been bought, by the provider's books. */
  bought: number;
  /** What broke a promise, in words, one line each. */
  lost: string[];
  boughtTwice: string[];
  halfFiles: string[];
  orphans: string[];
}

/** More calls than this at once, and the servers do nothing but start. */
const MOST_WAITING = 14;
/** Longest wait for an answer, milliseconds. */
const WARM_MS = 1_500;
/** Share of the kills at a random moment that end both servers. */
const BOTH = 0.12;
const SETTLE_MS = 300_000;

export async function crash({ kills, seed, onKill }: CrashOptions): Promise<CrashSummary> {
  const folder = await temporaryFolder();
  const dataDir = path.join(folder, 'data');
  const emulators = await Emulators.start();
  const servers = new Servers(dataDir, emulators.environment, new Random(seed + 1));
  const agents = new Agents(servers, new Random(seed + 2));
  const moments = new Moments(dataDir, new Random(seed + 3));
  const random = new Random(seed);
  try {
    await Promise.all([servers.start(), agents.prepare()]);
    while (servers.killed.length < kills) {
      await servers.atLeast(1);
      if (random.chance(0.5)) await emulators.slowDown(random.pick(SERVICES), random);
      agents.act(MOST_WAITING);
      // A server that was just started answers nobody for a while; one that has begun to work has more to lose.
      if (random.chance(0.6)) {
        await agents.answered(WARM_MS);
        for (let more = random.below(6); more > 0; more--) agents.act(MOST_WAITING);
      }
      const moment = await moments.next();
      // Which of them writes a file cannot be seen from outside.
      const both = random.chance(moment === 'time' ? BOTH : 0.5);
      servers.kill(both && kills - servers.killed.length > 1);
      onKill?.(servers.killed.length);
    }
    moments.close();
    await servers.atLeast(2);
    await agents.settled();
    await untilAllEnded(servers, dataDir);
    const listed = await listJobs(servers);
    const rows = await readRows(dataDir);
    // Both were started after the last kill.
    const left = await lastingOrphans(dataDir, rows.assets);
    await servers.stop();
    const accepted = await emulators.accepted();
    const { calls, complaints } = agents;
    const books: Books = { ...rows, calls, accepted, killed: servers.killed, listed };
    const count = (state: Job['state']): number => rows.jobs.filter((job) => job.state === state).length;
    return {
      kills: servers.killed.length,
      orders: calls.length,
      calls: servers.calls,
      jobs: rows.jobs.length,
      succeeded: count('succeeded'),
      unconfirmed: count('unconfirmed'),
      bought: boughtUnseen(books),
      lost: [...servers.complaints, ...complaints, ...lostJobs(books)],
      boughtTwice: boughtTwice(books),
      halfFiles: await halfFiles(dataDir, rows.assets),
      orphans: left,
    };
  } finally {
    moments.close();
    await servers.stop().catch(() => undefined);
    emulators.close();
    await removeFolder(folder);
  }
}

/** Waits for every job, also those that nobody was told of. One that does not end is for the reader of the rows to name. */
async function untilAllEnded(servers: Servers, dataDir: string): Promise<void> {
  const end = Date.now() + SETTLE_MS;
  while (Date.now() < end) {
    const open = (await readRows(dataDir)).jobs.filter((job) => !isFinal(job));
    if (open.length === 0) return;
    const waits = open.slice(0, 20).map(({ id }) => ({ job_id: id, wait_seconds: 10 }));
    await Promise.all(waits.map((args) => servers.insist('wait_for_job', args)));
  }
}

/** The ids that list_jobs names. */
async function listJobs(servers: Servers): Promise<Set<string>> {
  const rows = await all(async (cursor) => {
    const args = { limit: 100, ...(cursor === undefined ? {} : { cursor }) };
    const { jobs, next_cursor: next } = (await servers.insist('list_jobs', args)).structured ?? {};
    return {
      rows: Array.isArray(jobs) ? jobs.filter(isRecord) : [],
      nextCursor: typeof next === 'string' ? next : undefined,
    };
  });
  return new Set(rows.map(({ job_id: id }) => String(id)));
}
