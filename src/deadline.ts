/**
 * A signal that fires after a time, or with another one. Not `AbortSignal.any([AbortSignal.timeout(ms), …])`: on Node 20
 * the timeout within is forgotten at the next garbage collection, and then nothing ever fires.
 */
export interface Deadline {
  signal: AbortSignal;
  /** Lets go of the timer and of the other signal. */
  end: () => void;
}

/** @param ms - milliseconds; the process does not stay alive for it */
export function deadline(ms: number, parent?: AbortSignal): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new DOMException('The time is over.', 'TimeoutError'));
  }, ms).unref();
  const follow = (): void => controller.abort(parent?.reason);
  if (parent?.aborted) follow();
  parent?.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer);
      parent?.removeEventListener('abort', follow);
    },
  };
}
