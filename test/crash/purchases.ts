import { idIn } from '../../src/providers/provider.js';
import { isFinal } from '../../src/jobs/transition.js';
import type { Asset, Job } from '../../src/store/types.js';
import type { Call } from './calls.js';
import type { Accepted } from './emulators.js';
import type { Killed } from './servers.js';

/** What the rows say against what the ledgers say was bought and what agents were answered. */

export interface Books {
  jobs: readonly Job[];
  assets: readonly Asset[];
  calls: readonly Call[];
  accepted: readonly Accepted[];
  killed: readonly Killed[];
  /** Ids that list_jobs names. */
  listed: ReadonlySet<string>;
}

/** Jobs that an agent was told of and that are gone, did not end, or did not end well. */
export function lostJobs({ jobs, assets, calls, listed, killed }: Books): string[] {
  const rows = new Map(jobs.map((job) => [job.id, job]));
  const owners = new Set(assets.filter(({ role }) => role === 'model').map(({ jobId }) => jobId));
  const told = calls.flatMap((call) => [...call.jobs, ...call.forcedJobs]);
  const gone = told.filter((id) => !rows.has(id) || !listed.has(id)).map((id) => `${id} is not in list_jobs`);
  const ended = jobs.flatMap((job) => {
    const said = job.error === undefined ? '' : `: ${job.error.message}`;
    if (!isFinal(job)) return [`${job.id} over ${job.provider} is still ${job.state}${said}`];
    if (job.state === 'succeeded') return owners.has(job.id) ? [] : [`${job.id} succeeded without a model`];
    if (job.state === 'unconfirmed' && wasInterrupted(job, killed)) return [];
    return [`${job.id} over ${job.provider} is ${job.state}${said}`];
  });
  return [...gone, ...ended];
}

/** The process that sent it was killed after it began to. */
function wasInterrupted({ provider, attempt }: Job, killed: readonly Killed[]): boolean {
  const pid = Number(attempt?.owner?.split('.')[1]);
  return (
    provider !== 'local' &&
    attempt !== undefined &&
    killed.some((kill) => kill.pid === pid && kill.at >= attempt.at)
  );
}

/** What was accepted for more than one row, for none, or more often than it was asked for. */
export function boughtTwice({ jobs, calls, accepted }: Books): string[] {
  const faults: string[] = [];
  const owners = new Map<string, Job[]>();
  for (const job of jobs) {
    const id = job.provider === 'local' || job.operation === undefined ? undefined : idIn(job.operation);
    if (id !== undefined)
      owners.set(`${job.provider} ${id}`, [...(owners.get(`${job.provider} ${id}`) ?? []), job]);
  }
  const known = new Set(accepted.map(({ service, requestId }) => `${service} ${requestId}`));
  for (const [request, rows] of owners) {
    const ids = rows.map(({ id }) => id).join(', ');
    if (rows.length > 1) faults.push(`${request} is held by ${ids}`);
    if (!known.has(request)) faults.push(`${request} of ${ids} was never accepted`);
  }
  for (const call of calls) {
    const rows = jobs.filter((job) => isOf(job, call));
    if (rows.length > 1 + call.forced)
      faults.push(`call ${call.seed} was made anew ${call.forced} times and has ${rows.length} jobs`);
    const bought = accepted.filter(({ seed }) => seed === call.seed);
    const nobodys = bought.filter(({ service, requestId }) => !owners.has(`${service} ${requestId}`));
    const unclear = rows.filter(({ state }) => state === 'unconfirmed');
    if (nobodys.length > unclear.length)
      faults.push(
        `call ${call.seed}: ${nobodys.map(({ requestId }) => requestId).join(', ')} belong to no job`,
      );
    // Where the jobs are listed, what was bought is found there; only of two alike none can be told from the other.
    if (call.provider === 'scenario' && nobodys.length === 1)
      faults.push(`call ${call.seed}: ${nobodys[0]?.requestId} is in Scenario's list and was not found`);
    if (call.provider !== 'local' && bought.length > rows.length)
      faults.push(`call ${call.seed}: ${rows.length} jobs and ${bought.length} purchases`);
  }
  const seeds = new Set(calls.map(({ seed }) => seed));
  for (const { service, requestId, seed } of accepted) {
    if (seed === undefined || !seeds.has(seed)) faults.push(`${service} ${requestId} was bought for no call`);
  }
  return faults;
}

/** How many jobs are unconfirmed although their provider accepted them: bought, and known to nobody. */
export function boughtUnseen({ jobs, accepted }: Books): number {
  const held = new Set(jobs.flatMap(({ operation }) => (operation === undefined ? [] : [idIn(operation)])));
  return accepted.filter(({ requestId }) => !held.has(requestId)).length;
}

function isOf({ tool, args }: Job, call: Call): boolean {
  if (tool !== call.tool) return false;
  return call.provider === 'local' ? args['depth'] === call.args['depth'] : args['seed'] === call.seed;
}
