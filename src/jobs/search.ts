import { deadline } from '../deadline.js';
import { messageOf } from '../errors.js';
import { redact } from '../log.js';
import { bare } from '../providers/call-error.js';
import { consoleOf } from '../providers/consoles.js';
import { idIn, type LostAttempt, type Provider, type ProviderContext } from '../providers/provider.js';
import type { Job, JobChange, JobError, Json, Lost } from '../store/types.js';
import { underOtherKey } from './other-key.js';
import { apply, type JobEvent } from './transition.js';

/**
 * Finding a job whose submit got no answer, where its provider lists its jobs. Nothing is ever sent again: a job is
 * found there and taken, once, or it stays unconfirmed.
 */

export interface SearchDeps {
  advance: (id: string, event: JobEvent) => Promise<Job | undefined>;
  bind: (
    id: string,
    since: number,
    step: (job: Job, taken: readonly Json[]) => JobChange | undefined,
  ) => Promise<Job | undefined>;
  /** A fixed pause between two looks, milliseconds. */
  pollMs: number | undefined;
}

/** Looks at a list that does not have the job; over two minutes, a job that was made is listed by then. */
const MAX_READ = 8;
/** Looks at a list that cannot be read; over hours. */
const MAX_FAILED = 60;
const LEAST_WAIT_MS = 1_000;
const MOST_WAIT_MS = 300_000;
/** A provider that does not answer must not hold up whoever waits for the job. */
const LOOK_DEADLINE_MS = 15_000;
/** Jobs may wait for days before they are sent; older ones hold nothing that was made lately. */
const HELD_BEFORE_MS = 7 * 86_400_000;

/** What one look through the list came to. */
type Finding = { kind: 'bound' } | { kind: 'read'; candidates: number } | { kind: 'failed'; why: string };

/** @param listed whether the provider lists its jobs, so that this one is looked for there first */
export function lostEvent(job: Job, token: string | undefined, why: string, listed: boolean): JobEvent {
  const error = unconfirmedError(job, why, undefined, listed);
  const begun = { why, read: 0, failed: 0, dueAt: Date.now() };
  return { type: 'lost', token, error, search: listed ? begun : undefined };
}

/**
 * One look for a job that is searched for.
 *
 * @returns whether the job moved on; it says itself when it is due again
 */
export async function search(
  deps: SearchDeps,
  job: Job,
  provider: Provider,
  context: ProviderContext,
): Promise<boolean> {
  const { token, lost = { why: 'its answer was lost', read: 0, failed: 0 } } = job.attempt ?? {};
  const finding = await lookOnce(deps, job, provider, context);
  if (finding.kind === 'bound') return true;
  const next: Lost = { ...lost, [finding.kind]: lost[finding.kind] + 1 };
  const goesOn = next.read < MAX_READ && next.failed < MAX_FAILED;
  await deps.advance(job.id, {
    type: 'lost',
    token,
    error: unconfirmedError(job, lost.why, finding, goesOn),
    search: goesOn ? { ...next, dueAt: Date.now() + waitMs(next, deps.pollMs) } : undefined,
  });
  return false;
}

/** Whether there is a list to look through for this job. */
export function isListed({ attempt }: Job, provider: Provider): boolean {
  return attempt?.sent !== undefined && provider.findLost !== undefined;
}

/** Looks once, and takes the job if it is there beyond doubt. */
export async function lookOnce(
  { bind }: Pick<SearchDeps, 'bind'>,
  job: Job,
  provider: Provider,
  { signal }: Pick<ProviderContext, 'signal'>,
): Promise<Finding> {
  const { token, at = 0, sent } = job.attempt ?? {};
  if (token === undefined || sent === undefined || !provider.findLost) {
    return { kind: 'failed', why: `${job.provider} has no list of jobs that could be read` };
  }
  const otherKey = underOtherKey(job, provider);
  if (otherKey !== undefined) return { kind: 'failed', why: otherKey };
  const attempt: LostAttempt = { model: job.model, body: sent, sentAt: at };
  let found: Json[];
  const within = deadline(LOOK_DEADLINE_MS, signal);
  try {
    found = await provider.findLost(attempt, { signal: within.signal });
  } catch (error) {
    signal.throwIfAborted();
    const late = within.signal.aborted;
    return {
      kind: 'failed',
      why: late ? `no answer within ${LOOK_DEADLINE_MS / 1000} s` : redact(messageOf(error)),
    };
  } finally {
    within.end();
  }
  let candidates = 0;
  const bound = await bind(job.id, at - HELD_BEFORE_MS, (row, taken) => {
    const held = new Set(taken.map(idIn));
    const free = found.filter((operation) => !held.has(idIn(operation)));
    candidates = free.length;
    const [only] = free;
    return only === undefined || free.length > 1
      ? undefined
      : apply(row, { type: 'accepted', token, operation: only }, Date.now());
  });
  return bound ? { kind: 'bound' } : { kind: 'read', candidates };
}

/** Doubles with every look of a kind. */
function waitMs({ read, failed }: Lost, pollMs: number | undefined): number {
  return pollMs ?? Math.min(MOST_WAIT_MS, LEAST_WAIT_MS * 2 ** (Math.max(read, failed) - 1));
}

/** @param goesOn whether the job will be looked for again */
function unconfirmedError(
  { provider }: Job,
  why: string,
  finding: Exclude<Finding, { kind: 'bound' }> | undefined,
  goesOn: boolean,
): JobError {
  const page = consoleOf(provider);
  const where = page === undefined ? `in the console of ${provider}` : `at ${page}`;
  const sentences = [
    `It is not known whether ${provider} accepted this job (${bare(why)}), so it may have been charged.`,
    'It was not sent again.',
    ...(finding ? [inWords(provider, finding, goesOn)] : []),
    goesOn
      ? `It is being looked for among the jobs that ${provider} lists.`
      : `Look for it ${where} before you buy it anew.`,
  ];
  return { code: 'unconfirmed', message: sentences.join(' '), retryable: false, charged: 'unknown' };
}

function inWords(provider: string, finding: Exclude<Finding, { kind: 'bound' }>, goesOn: boolean): string {
  if (finding.kind === 'failed') {
    return `The list of the jobs of ${provider} cannot be read at present (${bare(finding.why)}).`;
  }
  if (finding.candidates > 0) {
    return `${provider} lists ${finding.candidates} jobs like it, and which of them it is cannot be told.`;
  }
  return goesOn
    ? 'So far it is not there.'
    : `It is not among the jobs that ${provider} lists, so it was probably not accepted.`;
}
