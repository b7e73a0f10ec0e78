import { MeshwrightError, messageOf } from '../errors.js';
import type { Jobs } from '../jobs/service.js';
import { isFinal } from '../jobs/transition.js';
import { jobIdOf } from '../jobs/uris.js';
import type { ServerDeps } from '../server.js';

/** More at once are looked for by nobody, and each is looked at whenever anything changes. */
const MOST = 1_000;

/** The jobs of one principal that somebody wants to hear of; `send` tells of a change. */
export class JobUpdates {
  readonly #deps: Pick<ServerDeps, 'jobs' | 'principal' | 'log'>;
  readonly #send: (uri: string) => Promise<void>;
  /** By URI. */
  readonly #subscriptions = new Map<string, { stop: () => void }>();

  constructor(deps: Pick<ServerDeps, 'jobs' | 'principal' | 'log'>, send: (uri: string) => Promise<void>) {
    this.#deps = deps;
    this.#send = send;
  }

  /**
   * Tells from now on when this job's row changed. Other URIs are accepted and never change.
   *
   * @throws MeshwrightError `conflict` when there are too many
   */
  async subscribe(uri: string): Promise<void> {
    if (this.#subscriptions.has(uri)) return;
    const id = jobIdOf(uri);
    if (id === undefined) return;
    if (this.#subscriptions.size >= MOST) {
      throw new MeshwrightError('conflict', `There are ${MOST} subscriptions; end some of them first.`);
    }
    const own = { stop: (): void => undefined };
    this.#subscriptions.set(uri, own);
    try {
      const { store } = await this.#deps.jobs();
      // It may have been given up meanwhile, and even begun anew.
      if (this.#subscriptions.get(uri) === own) own.stop = this.#follow(uri, id, store);
    } catch (error) {
      if (this.#subscriptions.get(uri) === own) this.#subscriptions.delete(uri);
      throw error;
    }
  }

  unsubscribe(uri: string): void {
    this.#subscriptions.get(uri)?.stop();
    this.#subscriptions.delete(uri);
  }

  close(): void {
    for (const uri of this.#subscriptions.keys()) this.unsubscribe(uri);
  }

  #follow(uri: string, id: string, { jobs, bus }: Jobs['store']): () => void {
    let seen = '';
    const tell = async (): Promise<void> => {
      const job = await jobs.get(id);
      if (!job || job.principal !== this.#deps.principal) return;
      // The bus may call without a change, and a lease is no change for anybody outside.
      const now = `${job.state} ${job.stage} ${job.progress} ${job.queuePosition ?? ''} ${job.trouble?.why ?? ''} ${job.cancelOutcome ?? ''}`;
      if (now === seen) return;
      seen = now;
      await this.#send(uri);
      // Nothing more will happen to it; what is unconfirmed may yet be found.
      if (isFinal(job) && job.state !== 'unconfirmed') this.unsubscribe(uri);
    };
    return bus.subscribe(id, () => {
      tell().catch((error: unknown) =>
        this.#deps.log.debug('cannot tell of an update', { error: messageOf(error) }),
      );
    });
  }
}
