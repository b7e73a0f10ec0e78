import path from 'node:path';
import type { Config, ProviderId } from '../../config.js';
import { MeshwrightError, messageOf } from '../../errors.js';
import { redact } from '../../log.js';
import { LOCAL_PRINCIPAL } from '../../open.js';
import { Providers } from '../../providers/index.js';
import { isDeadOwner } from '../../store/owner.js';
import { openStore } from '../../store/index.js';
import { lockHolders, tryWriteLock } from '../../store/probe.js';
import type { Job } from '../../store/types.js';
import { formatSeconds } from '../text.js';
import { type Check, fail, ok, warn } from './check.js';
import { kindOf } from './folders.js';

/** The database and the jobs in it: whether it can be written to now, and what waits for what. */

/** Jobs that are looked at, and told of, at most. */
const LOOK_AT = 500;
const TELL_OF = 5;
/** Servers look through the jobs that are due every few seconds. */
const LEFT_AFTER_MS = 10_000;

export async function checkJobs(config: Config): Promise<Check[]> {
  const { dataDir } = config;
  const there = await kindOf(path.join(dataDir, 'jobs.db')).catch(() => 'none');
  // A folder without jobs, or one that cannot be used, is told of elsewhere.
  if (there === 'none') return [];
  const database = await checkDatabase(dataDir);
  return database.status === 'fail' ? [database] : [database, await checkWaiting(config)];
}

async function checkDatabase(dataDir: string): Promise<Check> {
  const name = 'database';
  try {
    await tryWriteLock(dataDir);
    return ok(name, 'can be written to');
  } catch (error) {
    const holders = await lockHolders(dataDir);
    const who = holders.map((holder) => `process ${holder.pid} (${holder.name})`).join(' and ');
    const by = who === '' ? '' : ` It is locked by ${who}.`;
    return fail(name, `${messageOf(error)}${by}`, who === '' ? undefined : `Look at what ${who} does.`);
  }
}

async function checkWaiting(config: Config): Promise<Check> {
  const name = 'jobs';
  try {
    const jobs = await unfinished(config.dataDir);
    const providers = new Providers().of(config);
    const waiting = jobs
      .map((job) => ({ job, why: whyWaiting(job, (id) => providers.has(id)) }))
      .filter(({ why }) => why !== undefined)
      .toSorted((a, b) => a.job.createdAt - b.job.createdAt);
    const count = jobs.length === LOOK_AT ? `${LOOK_AT} or more` : String(jobs.length);
    const [oldest] = waiting;
    if (!oldest)
      return ok(name, jobs.length === 0 ? 'none is unfinished' : `${count} unfinished, none is held up`);
    const lines = waiting.slice(0, TELL_OF).map(({ job, why }) => `${job.id}: ${why}`);
    const more = waiting.length > TELL_OF ? ` And ${waiting.length - TELL_OF} more.` : '';
    return warn(
      name,
      `${waiting.length} of ${count} unfinished wait, the oldest for ${age(oldest.job.createdAt)}. ${lines.join(' ')}${more}`,
      'What was paid for is not lost: a running server carries them on once the cause is gone.',
    );
  } catch (error) {
    if (error instanceof MeshwrightError) return fail(name, error.message);
    throw error;
  }
}

async function unfinished(dataDir: string): Promise<Job[]> {
  const store = openStore(dataDir);
  try {
    const ids = await store.jobs.due(Number.MAX_SAFE_INTEGER / 2, () => true, LOOK_AT);
    const rows = await Promise.all(ids.map((id) => store.jobs.get(id)));
    return rows.filter((row) => row !== undefined);
  } finally {
    await store.close();
  }
}

/** What keeps the job from going on, in a sentence; `undefined` for one that simply runs. */
function whyWaiting(job: Job, hasKey: (id: ProviderId) => boolean): string | undefined {
  const { error, principal, provider, state, trouble } = job;
  // Whether there is a key for somebody else, the HTTP server knows.
  if (principal === LOCAL_PRINCIPAL && !hasKey(provider)) return `no key of ${provider} is set here.`;
  if (trouble) return `for ${age(trouble.since)} it could not be asked about: ${redact(trouble.why)}.`;
  if ((state === 'storing' || state === 'searching') && error) return redact(error.message);
  return principal !== LOCAL_PRINCIPAL && isLeft(job)
    ? `it is ${principal}'s, and no \`meshwright http\` is at work on it: start it.`
    : undefined;
}

/** Whether nobody has looked at a job that is due, for longer than any server lets one wait. */
function isLeft({ dueAt, lease }: Job): boolean {
  const now = Date.now();
  const isHeld = lease !== undefined && lease.until > now && !isDeadOwner(lease.owner);
  return !isHeld && dueAt < now - LEFT_AFTER_MS;
}

function age(since: number): string {
  return formatSeconds(Math.max(0, Date.now() - since) / 1000);
}
