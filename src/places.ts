import { MeshwrightError } from './errors.js';

/** A number of places for heavy work, taken in order of arrival. */
export class Places {
  #free: number;
  readonly #waiting: { enter: () => void; moved: (position: number) => void }[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  /** @param onQueue told its place in the queue, from 0, whenever it changes */
  async take(
    signal: AbortSignal,
    onQueue: (position: number) => void = () => undefined,
  ): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal, onQueue);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = this.#waiting.shift();
      if (next) next.enter();
      else this.#free++;
      this.#waiting.forEach(({ moved }, position) => moved(position));
    };
  }

  #wait(signal: AbortSignal, moved: (position: number) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        const at = this.#waiting.indexOf(entry);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(new MeshwrightError('cancelled', 'Cancelled while waiting.'));
      };
      const entry = {
        moved,
        enter: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(entry);
      moved(this.#waiting.length - 1);
    });
  }
}
