import { Worker, parentPort, workerData } from 'node:worker_threads';
import type { ErrorCode } from './errors.js';
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { MeshwrightError, messageOf } from './errors.js';
import { watchMemory } from './memory-watch.js';

/**
 * Runs one task in a worker thread of its own: heavy work never blocks the server, a task that hangs or runs
 * out of memory dies alone, and an abort ends it at once.
 *
 * Workers are built files (`dist/<name>-worker.js`): the build puts every chunk into one folder.
 */

export interface WorkerProgress {
  /** 0 to 1. */
  fraction: number;
  /** What is being done, in a few words: `"baking the texture"`. */
  stage: string;
}

export interface WorkerOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: WorkerProgress) => void) | undefined;
  /** Hard limit; the worker is ended and the task fails with `timeout`. */
  timeoutMs: number;
  /** Limit of the JavaScript heap (typed arrays do not count). */
  maxHeapMb?: number | undefined;
  /** How much the whole process may grow meanwhile, bytes; beyond it the task fails with `too_large`. */
  maxGrowthBytes?: number | undefined;
}

type WorkerMessage<Out> =
  | { type: 'progress'; progress: WorkerProgress }
  | { type: 'done'; value: Out }
  | {
      type: 'error';
      known?: { code: ErrorCode; field: string | undefined; retryable: boolean };
      message: string;
    };

/**
 * @param name Worker file without `-worker.js`.
 * @throws MeshwrightError what the task threw, `timeout`, `too_large`, or `cancelled` when the signal fired
 */
export function runInWorker<In, Out>(name: string, input: In, options: WorkerOptions): Promise<Out> {
  const { signal, onProgress, timeoutMs, maxHeapMb = 1024, maxGrowthBytes = Infinity } = options;
  return new Promise<Out>((resolve, reject) => {
    if (signal?.aborted) {
      reject(new MeshwrightError('cancelled', 'Cancelled before the work began.'));
      return;
    }
    const worker = new Worker(new URL(`./${name}-worker.js`, import.meta.url), {
      workerData: input,
      // stdout belongs to the protocol: what a library prints there is dropped.
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
    });
    worker.stdout.resume();
    worker.stderr.resume();
    const timer = setTimeout(() => {
      finish(() =>
        reject(
          new MeshwrightError(
            'timeout',
            `Gave up after ${Math.round(timeoutMs / 1000)} s of work on this file.`,
          ),
        ),
      );
    }, timeoutMs);
    const stopWatching = watchMemory(
      (limit) =>
        finish(() =>
          reject(
            new MeshwrightError(
              'too_large',
              `Gave up after ${Math.round(limit / 2 ** 20)} MiB of memory were taken for this file: use a simplified version.`,
            ),
          ),
        ),
      { maxBytes: maxGrowthBytes },
    );
    const abort = (): void =>
      finish(() => reject(new MeshwrightError('cancelled', 'Cancelled while working.')));
    signal?.addEventListener('abort', abort, { once: true });

    let finished = false;
    function finish(settle: () => void): void {
      if (finished) return;
      finished = true;
      clearTimeout(timer);
      stopWatching();
      signal?.removeEventListener('abort', abort);
      settle();
      void worker.terminate();
    }
    worker.on('message', (message: WorkerMessage<Out>) => {
      if (message.type === 'progress') {
        if (!finished) onProgress?.(message.progress);
      } else if (message.type === 'done') {
        finish(() => resolve(message.value));
      } else {
        finish(() =>
          reject(
            message.known
              ? new MeshwrightError(message.known.code, message.message, message.known)
              : new Error(message.message),
          ),
        );
      }
    });
    worker.on('error', (error) => finish(() => reject(error)));
    worker.on('exit', (code) => finish(() => reject(new Error(`The worker ended early (exit ${code}).`))));
  });
}

/** Of this thread, against the server's own: whoever calls meanwhile is answered first when the processors are full. */
const NICE = 5;

/** On Linux a thread has a priority of its own; elsewhere it would be that of the whole server. */
function stepBack(): void {
  if (process.platform !== 'linux') return;
  try {
    const id = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (Number.isSafeInteger(id) && id !== process.pid) setPriority(id, NICE);
  } catch {
    // Not allowed here: the work is done all the same.
  }
}

/** The other side: what a `*-worker.ts` file calls once. `task` may return buffers to move in `transfer`. */
export function serveWorker<In, Out>(
  task: (
    input: In,
    report: (progress: WorkerProgress) => void,
  ) => Promise<{ value: Out; transfer?: ArrayBuffer[] }>,
): void {
  stepBack();
  const port = parentPort;
  if (!port) throw new Error('This file is a worker; it is not run by itself.');
  const send = (message: WorkerMessage<Out>, transfer: ArrayBuffer[] = []): void =>
    port.postMessage(message, transfer);
  const input: In = workerData;
  task(input, (progress) => send({ type: 'progress', progress })).then(
    ({ value, transfer }) => send({ type: 'done', value }, transfer),
    (error: unknown) =>
      send(
        error instanceof MeshwrightError
          ? {
              type: 'error',
              message: error.message,
              known: { code: error.code, field: error.field, retryable: error.retryable },
            }
          : { type: 'error', message: messageOf(error) },
      ),
  );
}
