import type { RequestId } from '@modelcontextprotocol/server';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { JobUpdates } from './job-updates.js';

/**
 * What clients of the 2026 protocol listen to, by the request that asked. The protocol entry answers
 * `subscriptions/listen` itself and passes on what a server object tells of these URIs; the request may come
 * before there is such an object, since it may be what opens the connection.
 */
export class Listening {
  readonly #log: Log;
  readonly #wanted = new Map<RequestId, readonly string[]>();
  readonly #serving = new Set<Pick<JobUpdates, 'subscribe' | 'unsubscribe' | 'close'>>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** A server object serves this connection from now on. */
  add(updates: Pick<JobUpdates, 'subscribe' | 'unsubscribe' | 'close'>): void {
    this.#serving.add(updates);
    this.#subscribe(updates, new Set([...this.#wanted.values()].flat()));
  }

  begin(id: RequestId, uris: readonly string[]): void {
    this.#wanted.set(id, uris);
    for (const updates of this.#serving) this.#subscribe(updates, new Set(uris));
  }

  /** Ends what this request began, but for what another one listens to as well. */
  end(id: RequestId): void {
    const left = this.#wanted.get(id) ?? [];
    this.#wanted.delete(id);
    const wanted = new Set([...this.#wanted.values()].flat());
    for (const uri of left.filter((one) => !wanted.has(one))) {
      for (const updates of this.#serving) updates.unsubscribe(uri);
    }
  }

  close(): void {
    for (const updates of this.#serving) updates.close();
    this.#serving.clear();
    this.#wanted.clear();
  }

  #subscribe(updates: Pick<JobUpdates, 'subscribe'>, uris: ReadonlySet<string>): void {
    for (const uri of uris) {
      updates
        .subscribe(uri)
        .catch((error: unknown) => this.#log.debug('cannot subscribe', { error: messageOf(error) }));
    }
  }
}
