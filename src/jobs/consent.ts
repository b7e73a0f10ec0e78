import { MeshwrightError } from '../errors.js';
import type { Ceiling, Job, JobStore } from '../store/types.js';
import { dollars } from './money.js';
import { allowanceFor, type Caps, ceilingFor, needsConsent, startOfDay } from './spending.js';

/** Asking the one who pays, before a job's row is written. */

/** A question, and what its answer holds for: another price, other arguments or another caller need another answer. */
export interface Question {
  text: string;
  about: string;
  /** The job that a yes begins. */
  jobId: string;
}

export interface Answer {
  kind:
    /** Buy it. */
    | 'yes'
    | 'no'
    /** The question was closed without an answer. */
    | 'dismissed'
    /** There was no answer in the time that a call may take. */
    | 'late'
    /** There is nobody who could be asked: the caps alone decide. */
    | 'unasked';
  /** The job that was asked about first, where the answer comes later than its question: it is begun once. */
  jobId?: string | undefined;
  /** A sentence more for whoever reads of a refusal. */
  note?: string | undefined;
}

export type Ask = (question: Question) => Promise<Answer>;

export interface ConsentQuestion {
  jobs: JobStore;
  /** Absent where nobody can be asked. */
  ask: Ask | undefined;
  /** Above this price in US dollars the user is asked; see `needsConsent`. */
  askUsd: number | undefined;
  caps: Caps;
  job: Job;
  /** As for `JobStore.create`. */
  since: number | undefined;
}

/**
 * Asks whether the job may be bought, where its price makes that necessary. An equal call's job answers first, and
 * the caps refuse first: nobody is asked about what is not bought then.
 *
 * @returns the job of an equal call if there is one, what a fallback may cost, and the id that was agreed to
 * @throws MeshwrightError `declined`, `timeout`, `over_budget`: nothing was sent
 */
export async function consentTo(
  question: ConsentQuestion,
): Promise<{ existing?: Job; ceiling: Ceiling | undefined; jobId?: string | undefined }> {
  const { jobs, ask, askUsd, caps, job, since } = question;
  const price = job.estimateUsd;
  if (!ask) return { ceiling: ceilingFor({ caps, price }) };
  if (!needsConsent(askUsd, price)) return { ceiling: ceilingFor({ caps, price, askUsd, asked: true }) };
  let spent = 0;
  const allowance = allowanceFor(caps, job, job.createdAt);
  const existing = await jobs.preflight(job, since, {
    since: startOfDay(job.createdAt),
    check: (usd) => {
      spent = usd;
      allowance?.check(usd);
    },
  });
  if (existing) return { existing, ceiling: undefined };
  const answer = await ask({ text: textOf(job, spent, caps), about: aboutOf(job, since), jobId: job.id });
  if (answer.kind === 'unasked') return { ceiling: ceilingFor({ caps, price }) };
  if (answer.kind === 'yes')
    return { ceiling: ceilingFor({ caps, price, askUsd, asked: true }), jobId: answer.jobId };
  throw refusal(job, answer.kind, answer.note);
}

function aboutOf({ digest, provider, model, estimateUsd }: Job, since: number | undefined): string {
  return JSON.stringify([digest, provider, model, estimateUsd, since === undefined]);
}

function textOf(job: Job, spent: number, { maxUsdPerDay }: Caps): string {
  const { tool, provider, estimateUsd: price } = job;
  const allowed = maxUsdPerDay === undefined ? '' : ` of ${dollars(maxUsdPerDay)} allowed`;
  const today = `Spent or held today (UTC): ${dollars(spent)}${allowed}.`;
  return price === null
    ? `Run ${tool} over ${provider}? Its price is not known. ${today}`
    : `Run ${tool} over ${provider} for about ${dollars(price)}? ${today}`;
}

function refusal(job: Job, kind: 'no' | 'dismissed' | 'late', note = ''): MeshwrightError {
  const { tool, provider, estimateUsd: price } = job;
  const asked = `The user was asked whether ${tool} over ${provider} may run ${price === null ? 'at a price that is not known' : `for about ${dollars(price)}`}`;
  const came = {
    no: 'and said no',
    dismissed: 'and closed the question',
    late: 'and has not answered in time',
  }[kind];
  const message = `Nothing was sent and nothing is charged. ${asked} ${came}. ${note}`.trim();
  return kind === 'late'
    ? new MeshwrightError('timeout', message, { retryable: true })
    : new MeshwrightError('declined', message);
}
