import { MeshwrightError, messageOf } from '../../errors.js';
import type { Json } from '../../json.js';
import { retryAfterOf } from '../call-error.js';
import { type Clock, systemClock } from '../clock.js';
import { below, JsonApi } from '../json-api.js';
import type { PixazoOptions } from '../pixazo.js';
import { type Look, poll } from '../poll.js';
import {
  type Callback,
  type CallbackVerdict,
  type FollowContext,
  type InputFile,
  type KeyVerdict,
  type ProviderContext,
  ProviderFailure,
  type ProviderResult,
  type ProviderSession,
  SubmitError,
  type SubmitRequest,
} from '../provider.js';
import { keyVerdict } from '../key-verdict.js';
import { turnedDown } from '../turned-down.js';
import { Wire } from '../wire.js';
import {
  addressesOf,
  operationOf,
  type PixazoOperation,
  readOperation,
  storeOperation,
} from './operation.js';
import { refusals } from './refusals.js';
import { type PixazoFile, type PixazoStatus, readStatus } from './status.js';

/** As Pixazo's documents ask for. */
const LEAST_POLL_MS = 5_000;
const MOST_POLL_MS = 10_000;
/** The caller's deadline ends a submit; a slow answer must not be given up, since the job may be there. */
const SUBMIT_STALL_MS = 120_000;
/** Looks at a completed job without a file before it counts as failed. */
const MAX_EMPTY = 3;

/** All that Pixazo needs once it is used. */
export class PixazoSession implements ProviderSession {
  readonly #options: PixazoOptions;
  readonly #clock: Clock;
  readonly #api: JsonApi;
  /** URLs of images that were published for Pixazo by this process. */
  readonly #hosted = new Set<string>();

  constructor(options: PixazoOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const headers = { 'ocp-apim-subscription-key': options.key, 'cache-control': 'no-cache' };
    this.#api = new JsonApi('Pixazo', headers, new Wire());
  }

  /** Pixazo reads public URLs only, so the image is put where another provider publishes it. */
  async upload(file: InputFile, context: ProviderContext): Promise<string> {
    const { hostImage } = this.#options;
    if (hostImage === undefined) {
      const message =
        'Pixazo reads images from public https URLs only, and this one is not at such a URL. Give the public URL of ' +
        'the image, set FAL_KEY so that meshwright can host it through fal, or use another provider.';
      // Another provider may take it.
      throw new SubmitError('refused', message, { cause: new MeshwrightError('invalid_image', message) });
    }
    try {
      const url = await hostImage(file, context);
      this.#hosted.add(url);
      return url;
    } catch (error) {
      context.signal.throwIfAborted();
      throw new SubmitError(
        'refused',
        `The image could not be hosted for Pixazo, which reads public URLs only: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  async submit({ model, body, callbackUrl }: SubmitRequest, { signal }: ProviderContext): Promise<Json> {
    const submittedAt = this.#clock.now();
    const { url: base } = this.#options;
    const url = below(base, `/${model}/v1/${model}-request`);
    let reply: unknown;
    try {
      // Pixazo refuses a job whose callback is not https.
      const headers: Record<string, string> = callbackUrl?.startsWith('https:')
        ? { 'x-webhook-url': callbackUrl, 'x-webhook-mode': 'terminal' }
        : {};
      const call = {
        method: 'POST',
        url,
        body,
        headers,
        signal,
        fresh: true,
        stallMs: SUBMIT_STALL_MS,
      } as const;
      ({ value: reply } = await this.#api.call(call));
    } catch (error) {
      throw turnedDown(error, refusals(model));
    }
    const { hostTitle = 'another provider' } = this.#options;
    const hosted = Object.values(body).some((value) => typeof value === 'string' && this.#hosted.has(value));
    const operation = operationOf(reply, model, submittedAt, base, hosted ? hostTitle : undefined);
    if (!operation) throw new SubmitError('unclear', 'Pixazo answered without the id of a job');
    return storeOperation(operation);
  }

  async follow(stored: Json, context: FollowContext): Promise<void> {
    await this.#files(stored, context);
  }

  async result(stored: Json, context: ProviderContext): Promise<ProviderResult> {
    const files = await this.#files(stored, { ...context, report: () => undefined });
    const { hostedBy } = readOperation(stored, this.#options.url);
    const note = `Pixazo reads public URLs only, so the image was hosted through ${hostedBy}.`;
    return {
      body: {
        ...(hostedBy === undefined ? {} : { notes: [note] }),
        files: files.map(({ url, mediaType }) => ({
          url,
          ...(mediaType === undefined ? {} : { media_type: mediaType }),
        })),
      },
    };
  }

  /** Pixazo has no way to cancel. */
  cancel(): Promise<'unsupported'> {
    return Promise.resolve('unsupported');
  }

  /** Asks for a request that nobody made: 404 with a key that is known. */
  checkKey({ signal }: Pick<ProviderContext, 'signal'>): Promise<KeyVerdict> {
    const url = below(this.#options.url, '/v2/requests/status/meshwright-key-check');
    return keyVerdict(() => this.#api.call({ url, signal }));
  }

  /** Pixazo signs nothing, so what is said is asked of Pixazo itself before it is believed. */
  async callback(
    { body }: Callback,
    { model, submittedAt }: { model: string; submittedAt: number },
    { signal }: Pick<ProviderContext, 'signal'>,
  ): Promise<CallbackVerdict> {
    const { url: base } = this.#options;
    const operation = operationOf(parse(body), model, submittedAt, base, undefined);
    if (!operation) return { kind: 'hint' };
    const { requestId } = operation;
    for (const url of addressesOf({ ...operation, pollingUrl: undefined }, base)) {
      try {
        const { value } = await this.#api.call({ url, signal });
        const known =
          readStatus(value) !== undefined && operationOf(value, model, submittedAt, base, undefined);
        if (known && known.requestId === requestId) {
          return { kind: 'accepted', operation: storeOperation(known) };
        }
      } catch {
        // Another address may know it.
      }
    }
    return { kind: 'hint' };
  }

  /** The files of a job, when it is done. */
  #files(stored: Json, context: FollowContext): Promise<PixazoFile[]> {
    const { url: base, pollMs, typicalSeconds } = this.#options;
    const operation = readOperation(stored, base);
    let empty = 0;
    const look = async (url: URL): Promise<Look<PixazoFile[]>> => {
      const { reply, value } = await this.#api.call({ url, signal: context.signal });
      const status = readStatus(value);
      if (!status) return 'unreadable';
      if (status.state === 'completed') {
        if (status.files.length > 0) return { done: status.files };
        if (++empty === MAX_EMPTY) throw noFiles(operation);
        return { seen: { running: true, stage: 'finishing at Pixazo' } };
      }
      if ('message' in status) throw failureOf(operation, status);
      return { seen: { running: status.state === 'running' }, retryAfterMs: retryAfterOf(reply) };
    };
    return poll(look, context, {
      title: 'Pixazo',
      id: operation.requestId,
      submittedAt: operation.submittedAt,
      addresses: addressesOf(operation, base),
      pollMs,
      leastMs: LEAST_POLL_MS,
      mostMs: MOST_POLL_MS,
      typicalSeconds: typicalSeconds?.(operation.model),
      clock: this.#clock,
      unknown: () => unknownRequest(operation),
    });
  }
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}

function failureOf(
  { requestId }: PixazoOperation,
  { state, message }: Extract<PixazoStatus, { message: unknown }>,
): ProviderFailure {
  if (state === 'cancelled') {
    return new ProviderFailure(
      'cancelled',
      `The job was cancelled at Pixazo. It may have been charged. The request is ${requestId}.`,
      { charged: 'unknown' },
    );
  }
  const words = message ?? 'it gives no reason';
  return state === 'error'
    ? new ProviderFailure(
        'failed',
        `Pixazo had an error of its own: ${words}. It was not charged. The same call may succeed later.`,
        { charged: 'no', retryable: true },
      )
    : new ProviderFailure(
        'failed',
        `The job failed at Pixazo: ${words}. It may have been charged. The request is ${requestId}.`,
        { charged: 'unknown' },
      );
}

function noFiles({ requestId }: PixazoOperation): ProviderFailure {
  return new ProviderFailure(
    'failed',
    `Pixazo says that the job is done but names no file. It was probably charged. The request is ${requestId}.`,
    { charged: 'unknown' },
  );
}

function unknownRequest({ requestId }: PixazoOperation): ProviderFailure {
  return new ProviderFailure(
    'expired',
    `The request is unknown to Pixazo, although it was accepted as ${requestId}. It may have been charged: ask Pixazo ` +
      'with this id, or set force_new to buy it again.',
    { charged: 'unknown' },
  );
}
