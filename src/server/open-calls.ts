import { setTimeout as pause } from 'node:timers/promises';

/** Between a handler's answer and the moment at which the transport has written it, and between a line and its call. */
const SETTLE_MS = 50;

/** Requests that are being answered, so that a server that stops lets their answers out first. */
export class OpenCalls {
  #open = 0;
  #idle: () => void = () => undefined;

  async run<Out>(call: () => Promise<Out>): Promise<Out> {
    this.#open++;
    try {
      return await call();
    } finally {
      if (--this.#open === 0) this.#idle();
    }
  }

  /** Resolves once nothing is being answered any more, or after `ms`. */
  async idle(ms: number): Promise<void> {
    const end = performance.now() + ms;
    do {
      if (this.#open > 0) await this.#last(end - performance.now());
      await pause(SETTLE_MS);
    } while (this.#open > 0 && performance.now() < end);
  }

  #last(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#idle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
