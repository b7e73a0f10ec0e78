import type { Json } from '../../json.js';
import { type Clock, systemClock } from '../clock.js';
import { keyVerdict } from '../key-verdict.js';
import { orAborted } from '../or-aborted.js';
import type {
  Callback,
  CallbackVerdict,
  CancelOutcome,
  FollowContext,
  InputFile,
  KeyVerdict,
  ProviderContext,
  ProviderResult,
  ProviderSession,
  SubmitRequest,
} from '../provider.js';
import type { FalOptions } from '../fal.js';
import { createFetcher } from '../fetch.js';
import { Wire } from '../wire.js';
import { CallbackKeys, readCallback } from './callback.js';
import { cancel } from './cancel.js';
import { FalConnection } from './connection.js';
import { follow, FOLLOW_DEFAULTS } from './follow.js';
import { FalHosts } from './hosts.js';
import { type FalOperation, operationOf, readOperation, storeOperation } from './operation.js';
import { blamesImage, result } from './result.js';
import { submit } from './submit.js';
import { Uploads } from './upload.js';

/** A request that nobody made: fal answers 404 to a key that it knows. */
const NOBODYS = { endpoint: 'fal-ai/pixal3d', requestId: '00000000-0000-0000-0000-000000000000' } as const;

/** All that fal needs once it is used: connections, the client and the uploads of this process. */
export class FalSession implements ProviderSession {
  readonly #options: FalOptions;
  readonly #clock: Clock;
  readonly #connection: FalConnection;
  readonly #uploads: Uploads;
  readonly #keys: CallbackKeys;

  constructor(options: FalOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#connection = new FalConnection(
      options.key,
      new FalHosts(options),
      new Wire(),
      createFetcher(options),
    );
    this.#uploads = new Uploads(this.#connection, this.#clock);
    this.#keys = new CallbackKeys(this.#connection, this.#clock);
  }

  upload(file: InputFile, { signal }: ProviderContext): Promise<string> {
    return orAborted(this.#uploads.url(file), signal);
  }

  submit(request: SubmitRequest, context: ProviderContext): Promise<Json> {
    return submit(this.#connection, request, context, this.#clock.now());
  }

  follow(stored: Json, context: FollowContext): Promise<void> {
    return this.#follow(readOperation(stored), context);
  }

  async result(stored: Json, context: ProviderContext): Promise<ProviderResult> {
    const operation = readOperation(stored);
    const again = (): Promise<void> => this.#follow(operation, { ...context, report: () => undefined });
    try {
      return await result(
        { connection: this.#connection, clock: this.#clock, follow: again },
        operation,
        context,
      );
    } catch (error) {
      if (blamesImage(error)) this.#uploads.forget();
      throw error;
    }
  }

  cancel(stored: Json, context: ProviderContext): Promise<CancelOutcome> {
    return cancel(this.#connection, this.#clock, readOperation(stored), context);
  }

  checkKey({ signal }: Pick<ProviderContext, 'signal'>): Promise<KeyVerdict> {
    const { endpoint, requestId } = NOBODYS;
    return keyVerdict(() => this.#connection.client({ signal }).queue.status(endpoint, { requestId }));
  }

  async callback(
    callback: Callback,
    job: { model: string; submittedAt: number },
    { signal }: Pick<ProviderContext, 'signal'>,
  ): Promise<CallbackVerdict> {
    const read = await readCallback(callback, this.#keys, this.#clock.now(), signal);
    if ('refused' in read) return { kind: 'refused', why: read.refused };
    const operation = operationOf(read.body, job.model, job.submittedAt, this.#connection.hosts);
    return operation ? { kind: 'accepted', operation: storeOperation(operation) } : { kind: 'hint' };
  }

  #follow(operation: FalOperation, context: FollowContext): Promise<void> {
    const { pollMs, typicalSeconds, firstEventMs, silenceMs } = this.#options;
    return follow(this.#connection, operation, context, {
      pollMs,
      typicalSeconds: typicalSeconds?.(operation.endpoint),
      clock: this.#clock,
      firstEventMs: firstEventMs ?? FOLLOW_DEFAULTS.firstEventMs,
      silenceMs: silenceMs ?? FOLLOW_DEFAULTS.silenceMs,
    });
  }
}
