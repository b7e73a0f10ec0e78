import { request } from 'node:http';
import { z } from 'zod';
import { onTestFinished } from 'vitest';
import type { FalEmulator, FalOptions } from './fal.js';
import { FAL_TEST_KEY, startFalEmulator } from './fal.js';

/** An emulator for one test, on a virtual clock unless told otherwise; it is closed when the test ends. */
export async function emulator(options: FalOptions = {}): Promise<FalEmulator> {
  const fal = await startFalEmulator({ clock: 'virtual', ...options });
  onTestFinished(() => fal.close());
  return fal;
}

export const auth = { authorization: `Key ${FAL_TEST_KEY}`, 'content-type': 'application/json' };
export const IMAGE = 'https://example.com/dog.png';

const submitted = z.object({
  request_id: z.string(),
  status_url: z.string(),
  response_url: z.string(),
  cancel_url: z.string(),
});
export type Submitted = z.output<typeof submitted>;

/** POST to the queue; `input` defaults to what Pixal3D needs. */
export function post(
  fal: FalEmulator,
  endpoint = 'fal-ai/pixal3d',
  input: unknown = { image_url: IMAGE },
  { query = '', headers = {} }: { query?: string; headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(`${fal.urls.queue}/${endpoint}${query}`, {
    method: 'POST',
    headers: { ...auth, ...headers },
    body: JSON.stringify(input),
  });
}

/** A submit that must be accepted. */
export async function submit(...args: Parameters<typeof post>): Promise<Submitted> {
  return submitted.parse(await (await post(...args)).json());
}

export function get(url: string, headers: Record<string, string> = auth): Promise<Response> {
  return fetch(url, { headers });
}

/** The parsed body of a GET with the key. */
export async function read(url: string): Promise<unknown> {
  return (await get(url)).json();
}

export async function statusOf(job: Submitted): Promise<string> {
  return z.object({ status: z.string() }).parse(await read(job.status_url)).status;
}

/** Far enough ahead for every job that is not told otherwise. */
export function finish(fal: FalEmulator): void {
  fal.clock.advance(600_000);
}

const file = z.object({ url: z.string() });

/** The URL of the model in the finished result of a job. */
export async function modelUrl(job: Submitted): Promise<string> {
  const output = z.record(z.string(), z.unknown()).parse(await read(job.response_url));
  return file.parse(output['model_mesh'] ?? output['model_glb']).url;
}

/** Submits, finishes and returns the model's URL. */
export async function finishedModel(fal: FalEmulator): Promise<string> {
  const job = await submit(fal);
  finish(fal);
  return modelUrl(job);
}

/** How a plain GET ended: the status and bytes that came, and the error's code if there was one. */
export function rawGet(url: string): Promise<{ status?: number; bytes: number; code?: string }> {
  return new Promise((resolve) => {
    const end: { status?: number; bytes: number; code?: string } = { bytes: 0 };
    const fail = (error: Error): void => resolve({ ...end, code: 'code' in error ? String(error.code) : '' });
    request(url, (response) => {
      if (response.statusCode !== undefined) end.status = response.statusCode;
      response.on('data', (part: Buffer) => (end.bytes += part.length));
      response.on('end', () => resolve(end));
      response.on('error', fail);
    })
      .on('error', fail)
      .end();
  });
}
