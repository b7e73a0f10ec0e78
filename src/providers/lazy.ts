import { createHash } from 'node:crypto';
import type { ProviderId } from '../config.js';
import { messageOf } from '../errors.js';
import type { Json } from '../json.js';
import {
  type Callback,
  type CallbackVerdict,
  type CancelOutcome,
  type FollowContext,
  type InputFile,
  type KeyVerdict,
  type Provider,
  type ProviderContext,
  type ProviderResult,
  type ProviderSession,
  SubmitError,
  type SubmitRequest,
} from './provider.js';

/** One call of a provider, as whoever counts them sees it. */
export interface ObservedCall {
  provider: ProviderId;
  call: 'upload' | 'submit' | 'follow' | 'result' | 'cancel';
  seconds: number;
  ok: boolean;
}

export type ObserveCall = (call: ObservedCall) => void;

/** What could not be loaded is tried again so soon. */
const LOAD_AGAIN_MS = 2_000;

/** A service with a key, whose code is loaded when it is used for the first time. */
export abstract class LazyProvider<Session extends ProviderSession = ProviderSession> implements Provider {
  abstract readonly id: ProviderId;
  abstract readonly title: string;
  abstract readonly takesUrls: boolean;
  readonly repeatable = false;
  readonly keyMark: string;
  readonly #load: () => Promise<Session>;
  #session: Promise<Session> | undefined;

  readonly #observe: ObserveCall | undefined;

  /** @param key as it names the account; a secret that goes with it may be another tomorrow */
  constructor(key: string, load: () => Promise<Session>, observe?: ObserveCall) {
    this.keyMark = createHash('sha256').update(`meshwright key\n${key}`).digest('hex').slice(0, 12);
    this.#load = load;
    this.#observe = observe;
  }

  async upload(file: InputFile, context: ProviderContext): Promise<string> {
    const session = await this.#openToSend();
    return this.#watched('upload', session.upload(file, context));
  }

  async prepare(): Promise<void> {
    await this.#openToSend();
  }

  async submit(request: SubmitRequest, context: ProviderContext): Promise<Json> {
    const session = await this.#openToSend();
    return this.#watched('submit', session.submit(request, context));
  }

  async follow(operation: Json, context: FollowContext): Promise<void> {
    const session = await this.open();
    return this.#watched('follow', session.follow(operation, context));
  }

  async result(operation: Json, context: ProviderContext): Promise<ProviderResult> {
    const session = await this.open();
    return this.#watched('result', session.result(operation, context));
  }

  async cancel(operation: Json, context: ProviderContext): Promise<CancelOutcome> {
    const session = await this.open();
    return this.#watched('cancel', session.cancel(operation, context));
  }

  async checkKey(context: Pick<ProviderContext, 'signal'>): Promise<KeyVerdict> {
    return (await this.open()).checkKey(context);
  }

  async callback(
    callback: Callback,
    job: { model: string; submittedAt: number },
    context: Pick<ProviderContext, 'signal'>,
  ): Promise<CallbackVerdict> {
    const session = await this.open();
    // Whose callbacks nobody asked for, nobody listens to.
    return (
      session.callback?.(callback, job, context) ?? { kind: 'refused', why: `${this.title} has no callbacks` }
    );
  }

  async #watched<Out>(call: ObservedCall['call'], work: Promise<Out>): Promise<Out> {
    const startedAt = performance.now();
    const tell = (ok: boolean): void =>
      this.#observe?.({ provider: this.id, call, seconds: (performance.now() - startedAt) / 1000, ok });
    try {
      const out = await work;
      tell(true);
      return out;
    } catch (error) {
      tell(false);
      throw error;
    }
  }

  /** @throws SubmitError a little later it may be sent */
  async #openToSend(): Promise<Session> {
    try {
      return await this.open();
    } catch (cause) {
      const why = `meshwright could not load its own code for ${this.title}: ${messageOf(cause)}. Nothing was sent.`;
      throw new SubmitError('refused', why, { retryAfterMs: LOAD_AGAIN_MS, cause });
    }
  }

  protected open(): Promise<Session> {
    // What could not be loaded now, for want of file handles or in the middle of an update, may be later.
    this.#session ??= this.#load().catch((error: unknown) => {
      this.#session = undefined;
      throw error;
    });
    return this.#session;
  }
}
