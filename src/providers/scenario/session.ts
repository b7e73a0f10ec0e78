import type { Json, JsonObject } from '../../json.js';
import { isRecord } from '../../json.js';
import { retryAfterOf } from '../call-error.js';
import { type Clock, systemClock } from '../clock.js';
import { createFetcher } from '../fetch.js';
import { below, JsonApi } from '../json-api.js';
import { keyVerdict } from '../key-verdict.js';
import { orAborted } from '../or-aborted.js';
import { type Look, poll, type PollOptions } from '../poll.js';
import {
  type CancelOutcome,
  type FollowContext,
  type InputFile,
  type KeyVerdict,
  type LostAttempt,
  type ProviderContext,
  ProviderFailure,
  type ProviderResult,
  type ProviderSession,
  SubmitError,
  type SubmitRequest,
} from '../provider.js';
import type { ScenarioOptions } from '../scenario.js';
import { turnedDown } from '../turned-down.js';
import { Wire } from '../wire.js';
import { readAsset, type ScenarioAsset } from './assets.js';
import { cancel } from './cancel.js';
import { findLost } from './find-lost.js';
import { readJob, type ScenarioJob, unitsOf } from './job.js';
import { operationOf, readOperation, type ScenarioOperation, storeOperation } from './operation.js';
import { refusals } from './refusals.js';
import { Uploads } from './uploads.js';

/** As Scenario's own clients do. */
const LEAST_POLL_MS = 2_500;
const MOST_POLL_MS = 10_000;
/** The caller's deadline ends a submit; a slow answer must not be given up, since the job may be there. */
const SUBMIT_STALL_MS = 120_000;
/** Looks at a job that succeeded without a file, and at a file without a URL, before that is believed. */
const MAX_EMPTY = 3;

/** All that Scenario needs once it is used. */
export class ScenarioSession implements ProviderSession {
  readonly #options: ScenarioOptions;
  readonly #clock: Clock;
  readonly #api: JsonApi;
  readonly #uploads: Uploads;

  constructor(options: ScenarioOptions) {
    const { key, secret, url, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    const basic = Buffer.from(`${key}:${secret}`).toString('base64');
    this.#api = new JsonApi('Scenario', { authorization: `Basic ${basic}` }, new Wire());
    const fetcher = createFetcher(options);
    this.#uploads = new Uploads({ api: this.#api, fetcher, clock, url });
  }

  upload(file: InputFile, { signal }: ProviderContext): Promise<string> {
    return orAborted(this.#uploads.id(file), signal);
  }

  async submit({ model, body }: SubmitRequest, { signal }: ProviderContext): Promise<Json> {
    const submittedAt = this.#clock.now();
    const url = below(this.#options.url, `/generate/custom/${model}`);
    let reply: unknown;
    try {
      const call = { method: 'POST', url, body, signal, fresh: true, stallMs: SUBMIT_STALL_MS } as const;
      ({ value: reply } = await this.#api.call(call));
    } catch (error) {
      throw this.#turnedDown(error, model);
    }
    const operation = operationOf(reply, model, submittedAt);
    if (!operation) throw new SubmitError('unclear', 'Scenario answered without the id of a job');
    return storeOperation(operation);
  }

  /**
   * What a job would cost in creative units. `dryRun` works in the query only: in the body it is ignored, and a paid
   * job starts. Answered with HTTP 269.
   *
   * @throws SubmitError
   */
  async estimateUnits(
    model: string,
    body: JsonObject,
    { signal }: Pick<ProviderContext, 'signal'>,
  ): Promise<number> {
    const url = below(this.#options.url, `/generate/custom/${model}`, { dryRun: 'true' });
    let reply: unknown;
    try {
      ({ value: reply } = await this.#api.call({ method: 'POST', url, body, signal, fresh: true }));
    } catch (error) {
      throw this.#turnedDown(error, model);
    }
    const detection = isRecord(reply) && isRecord(reply['ipDetection']) ? reply['ipDetection'] : {};
    const units = isRecord(reply) ? unitsOf(reply['creativeUnitsCost']) : undefined;
    if (units === undefined) throw new SubmitError('unclear', 'Scenario answered a dry run without a price');
    return units + (unitsOf(detection['creativeUnitsCharged']) ?? 0);
  }

  async follow(stored: Json, context: FollowContext): Promise<void> {
    await this.#succeeded(readOperation(stored), context);
  }

  /** The files with URLs that were read just now: they expire, so they are read again for every download. */
  async result(stored: Json, context: ProviderContext): Promise<ProviderResult> {
    const operation = readOperation(stored);
    const job = await this.#succeeded(operation, { ...context, report: () => undefined });
    const assets: ScenarioAsset[] = [];
    for (const id of job.assetIds) {
      const asset = await this.#asset(operation, id, context);
      if (asset) assets.push(asset);
    }
    if (assets.length === 0) throw deletedFiles(operation, job);
    return {
      body: {
        files: assets.map(({ id, url, mediaType, kind }) => ({
          asset_id: id,
          url,
          ...(mediaType === undefined ? {} : { media_type: mediaType }),
          ...(kind === undefined ? {} : { kind }),
        })),
      },
      billedUnits: job.units ?? operation.units,
    };
  }

  cancel(stored: Json, { signal }: ProviderContext): Promise<CancelOutcome> {
    const { jobId } = readOperation(stored);
    return cancel({ api: this.#api, clock: this.#clock, url: this.#options.url }, jobId, signal);
  }

  findLost(attempt: LostAttempt, { signal }: Pick<ProviderContext, 'signal'>): Promise<Json[]> {
    return findLost({ api: this.#api, clock: this.#clock, url: this.#options.url }, attempt, signal);
  }

  checkKey({ signal }: Pick<ProviderContext, 'signal'>): Promise<KeyVerdict> {
    const url = below(this.#options.url, '/jobs', { pageSize: '1' });
    return keyVerdict(() => this.#api.call({ url, signal }));
  }

  #turnedDown(error: unknown, model: string): SubmitError {
    const submitError = turnedDown(error, refusals(model));
    if (submitError.outcome === 'rejected') this.#uploads.forget();
    return submitError;
  }

  /** The job, once it has succeeded and names its files. */
  #succeeded(operation: ScenarioOperation, context: FollowContext): Promise<ScenarioJob> {
    const { url: base } = this.#options;
    let empty = 0;
    const look = async (url: URL): Promise<Look<ScenarioJob>> => {
      const { reply, value } = await this.#api.call({ url, signal: context.signal });
      const job = readJob(value);
      if (!job) return 'unreadable';
      if (job.state === 'success') {
        if (job.assetIds.length > 0) return { done: job };
        if (++empty === MAX_EMPTY) throw noFiles(operation, job);
        return { seen: { running: true, stage: 'finishing at Scenario' } };
      }
      if (job.state === 'failure' || job.state === 'canceled') throw failureOf(operation, job);
      const { state, status, progress } = job;
      const stage = `${status.replaceAll(/[^a-z]+/g, ' ')} at Scenario`;
      return { seen: { running: state === 'running', progress, stage }, retryAfterMs: retryAfterOf(reply) };
    };
    return poll(look, context, this.#polling(operation, [below(base, `/jobs/${operation.jobId}`)]));
  }

  #polling(operation: ScenarioOperation, addresses: readonly [URL, ...URL[]]): PollOptions {
    const { pollMs, typicalSeconds } = this.#options;
    return {
      title: 'Scenario',
      id: operation.jobId,
      submittedAt: operation.submittedAt,
      addresses,
      pollMs,
      leastMs: LEAST_POLL_MS,
      mostMs: MOST_POLL_MS,
      typicalSeconds: typicalSeconds?.(operation.model),
      clock: this.#clock,
      unknown: () => unknownJob(operation),
    };
  }

  /** Undefined when it is not there any more, or has no file. */
  #asset(
    operation: ScenarioOperation,
    id: string,
    context: ProviderContext,
  ): Promise<ScenarioAsset | undefined> {
    const address = below(this.#options.url, `/assets/${id}`);
    let empty = 0;
    const look = async (url: URL): Promise<Look<ScenarioAsset | undefined>> => {
      const { value } = await this.#api.call({ url, signal: context.signal });
      if (!isRecord(value)) return 'unreadable';
      const asset = readAsset(value, id);
      if (asset || ++empty === MAX_EMPTY) return { done: asset };
      return 'unreadable';
    };
    return poll(look, { ...context, report: () => undefined }, this.#polling(operation, [address])).catch(
      (error: unknown) => {
        if (error instanceof ProviderFailure) return undefined;
        throw error;
      },
    );
  }
}

/** Scenario refunds failed jobs, unless the model does not support that. */
function failureOf({ jobId, units }: ScenarioOperation, job: ScenarioJob): ProviderFailure {
  const cost = job.units ?? units;
  if (job.state === 'canceled') {
    return new ProviderFailure('cancelled', `The job was cancelled at Scenario. The job there is ${jobId}.`, {
      charged: cost === 0 ? 'no' : 'unknown',
      retryable: true,
    });
  }
  const charged = job.refundable ? 'no' : chargedFor(cost);
  const words = job.error ?? 'it gives no reason';
  const hint = job.hint === undefined ? '' : ` ${job.hint}.`;
  const money = charged === 'no' ? 'It was not charged.' : 'Failed jobs of this model are not refunded.';
  return new ProviderFailure(
    'failed',
    `The job failed at Scenario: ${words}.${hint} ${money} The job there is ${jobId}.`,
    { charged, billedUnits: charged === 'yes' ? cost : undefined },
  );
}

function noFiles({ jobId, units }: ScenarioOperation, job: ScenarioJob): ProviderFailure {
  return new ProviderFailure(
    'failed',
    `Scenario says that the job is done but names no file. The job there is ${jobId}.`,
    { charged: chargedFor(job.units ?? units), billedUnits: job.units ?? units },
  );
}

function deletedFiles({ jobId, units }: ScenarioOperation, job: ScenarioJob): ProviderFailure {
  return new ProviderFailure(
    'expired',
    `The job is done at Scenario, which has no files of it any more, or names none. The job there is ${jobId}; set force_new to buy it again.`,
    { charged: chargedFor(job.units ?? units), billedUnits: job.units ?? units },
  );
}

function unknownJob({ jobId, units }: ScenarioOperation): ProviderFailure {
  return new ProviderFailure(
    'expired',
    `The job is unknown to Scenario, although it was accepted as ${jobId}. Look for it at https://app.scenario.com, or set force_new to buy it again.`,
    { charged: units === 0 ? 'no' : 'unknown' },
  );
}

function chargedFor(units: number | undefined): 'no' | 'yes' | 'unknown' {
  return units === undefined ? 'unknown' : units > 0 ? 'yes' : 'no';
}
