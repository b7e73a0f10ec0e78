import type { ProviderId } from '../config.js';
import type { Json } from '../json.js';
import type {
  Callback,
  CallbackVerdict,
  CancelOutcome,
  FollowContext,
  InputFile,
  KeyVerdict,
  Provider,
  ProviderContext,
  ProviderResult,
  ProviderSession,
  SubmitRequest,
} from './provider.js';

/** A service with a key, whose code is loaded when it is used for the first time. */
export abstract class LazyProvider<Session extends ProviderSession = ProviderSession> implements Provider {
  abstract readonly id: ProviderId;
  abstract readonly title: string;
  abstract readonly takesUrls: boolean;
  readonly repeatable = false;
  readonly #load: () => Promise<Session>;
  #session: Promise<Session> | undefined;

  constructor(load: () => Promise<Session>) {
    this.#load = load;
  }

  async upload(file: InputFile, context: ProviderContext): Promise<string> {
    return (await this.open()).upload(file, context);
  }

  async submit(request: SubmitRequest, context: ProviderContext): Promise<Json> {
    return (await this.open()).submit(request, context);
  }

  async follow(operation: Json, context: FollowContext): Promise<void> {
    return (await this.open()).follow(operation, context);
  }

  async result(operation: Json, context: ProviderContext): Promise<ProviderResult> {
    return (await this.open()).result(operation, context);
  }

  async cancel(operation: Json, context: ProviderContext): Promise<CancelOutcome> {
    return (await this.open()).cancel(operation, context);
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

  protected open(): Promise<Session> {
    this.#session ??= this.#load();
    return this.#session;
  }
}
