import { availableParallelism } from 'node:os';
import { MeshwrightError, messageOf } from '../errors.js';
import { Places } from '../places.js';
import { runGenerator } from '../engine/run.js';
import type { GenerateInput, GenerateOutput, ViewName } from '../engine/types.js';
import type { Json, JsonObject } from '../json.js';
import { isJsonObject, toJson } from '../json.js';
import type {
  CancelOutcome,
  FollowContext,
  InputFile,
  Provider,
  ProviderContext,
  ProviderResult,
  SubmitRequest,
} from './provider.js';
import { ProviderFailure } from './provider.js';

/** The built-in generator as a provider: free, offline, in worker threads of this process. */

const VIEWS: readonly ViewName[] = ['front', 'left', 'back', 'right', 'top'];

interface Run {
  abort: AbortController;
  output?: GenerateOutput;
}

export class LocalProvider implements Provider {
  readonly id = 'local';
  readonly title = 'built-in generator';
  readonly repeatable = true;
  readonly takesUrls = false;
  readonly #runs = new Map<string, Run>();
  readonly #places = new Places(Math.max(1, availableParallelism() - 1));

  upload(file: InputFile): Promise<string> {
    return Promise.resolve(file.key);
  }

  submit(request: SubmitRequest): Promise<Json> {
    return Promise.resolve({ id: request.jobId, ...request.body });
  }

  async follow(operation: Json, context: FollowContext): Promise<void> {
    const { id, body } = parse(operation);
    const run: Run = { abort: new AbortController() };
    this.#runs.set(id, run);
    const signal = AbortSignal.any([run.abort.signal, context.signal]);
    try {
      const leave = await this.#places.take(signal, (queuePosition) =>
        context.report({ running: false, queuePosition, stage: 'waiting for a free processor' }),
      );
      try {
        context.report({ running: true, progress: 0, stage: 'reading the images' });
        run.output = await runGenerator(await generateInput(body, context), {
          signal,
          onProgress: ({ fraction, stage }) => context.report({ running: true, progress: fraction, stage }),
        });
      } finally {
        leave();
      }
    } catch (error) {
      if (run.abort.signal.aborted) {
        throw new ProviderFailure('cancelled', 'Cancelled; the local generator is free.', {
          charged: 'no',
          retryable: true,
        });
      }
      if (context.signal.aborted) throw error;
      throw failureOf(error, context);
    }
  }

  async result(operation: Json, context: ProviderContext): Promise<ProviderResult> {
    const { id } = parse(operation);
    // After a restart the bytes are gone; making them again costs nothing but time.
    if (!this.#runs.get(id)?.output) await this.follow(operation, { ...context, report: () => undefined });
    const output = this.#runs.get(id)?.output;
    if (!output) throw new Error('the generator left no output');
    return { body: toJson(output.report), billedUsd: 0, files: [output.glb] };
  }

  cancel(operation: Json): Promise<CancelOutcome> {
    const run = this.#runs.get(parse(operation).id);
    if (run?.output) return Promise.resolve('finished');
    run?.abort.abort();
    return Promise.resolve('removed');
  }

  release(operation: Json): void {
    this.#runs.delete(parse(operation).id);
  }
}

/** The same input would fail again, so nothing is tried twice: what cannot be told to the user goes to the log. */
function failureOf(error: unknown, { log }: ProviderContext): ProviderFailure {
  if (error instanceof MeshwrightError) {
    const { code, field, message } = error;
    return new ProviderFailure('failed', message, { charged: 'no', field, code, cause: error });
  }
  log.error('the generator broke', { error: messageOf(error) });
  return new ProviderFailure(
    'failed',
    'The generator broke on this input; the log of meshwright has the details.',
    {
      charged: 'no',
      code: 'internal',
      cause: error,
    },
  );
}

function parse(operation: Json): { id: string; body: JsonObject } {
  if (!isJsonObject(operation) || typeof operation['id'] !== 'string')
    throw new Error('not an operation of this provider');
  return { id: operation['id'], body: operation };
}

async function generateInput(body: JsonObject, context: ProviderContext): Promise<GenerateInput> {
  const images = body['views'];
  const views: GenerateInput['views'] = [];
  for (const name of VIEWS) {
    const key = isJsonObject(images) ? images[name] : undefined;
    if (typeof key === 'string') views.push({ name, image: await context.readInput(key) });
  }
  const { mask, shape, depth, target_triangles: triangles, texture_size: texture } = body;
  return {
    views,
    shape: shape === 'inflate' || shape === 'lathe' || shape === 'extrude' ? shape : 'auto',
    targetTriangles: typeof triangles === 'number' ? triangles : 20_000,
    textureSize: texture === 1024 ? 1024 : 2048,
    ...(typeof mask === 'string' ? { mask: await context.readInput(mask) } : {}),
    ...(typeof depth === 'number' ? { depth } : {}),
  };
}
