import { onTestFinished } from 'vitest';
import { z } from 'zod';
import type { Json } from './common/json.js';
import type { PixazoEmulator, PixazoOptions } from './pixazo.js';
import { PIXAZO_TEST_KEY, startPixazoEmulator } from './pixazo.js';

/** An emulator for one test, on a virtual clock unless told otherwise; it is closed when the test ends. */
export async function emulator(options: PixazoOptions = {}): Promise<PixazoEmulator> {
  const pixazo = await startPixazoEmulator({ clock: 'virtual', ...options });
  onTestFinished(() => pixazo.close());
  return pixazo;
}

export const key = { 'ocp-apim-subscription-key': PIXAZO_TEST_KEY };
export const headers = { ...key, 'content-type': 'application/json', 'cache-control': 'no-cache' };
export const IMAGE = 'https://example.com/dog.png';

/** POST to the gateway; `input` defaults to what Pixal3D needs. */
export function post(
  pixazo: PixazoEmulator,
  input: Json = { image_url: IMAGE },
  more: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${pixazo.urls.gateway}/pixal3d/v1/pixal3d-request`, {
    method: 'POST',
    headers: { ...headers, ...more },
    body: JSON.stringify(input),
  });
}

const submitted = z.object({ request_id: z.string(), status: z.string(), polling_url: z.string() });
export type Submitted = z.output<typeof submitted>;

/** A submit that must be accepted. */
export async function submit(...args: Parameters<typeof post>): Promise<Submitted> {
  return submitted.parse(await (await post(...args)).json());
}

const status = z.looseObject({
  status: z.string(),
  error: z.json().optional(),
  output: z.looseObject({ media_url: z.json(), media_type: z.string() }).nullish(),
});

/** What polling shows now. */
export async function poll(job: Submitted): Promise<z.output<typeof status>> {
  return status.parse(await (await fetch(job.polling_url, { headers: key })).json());
}

/** Far enough ahead for every job that is not told otherwise. */
export function finish(pixazo: PixazoEmulator): void {
  pixazo.clock.advance(600_000);
}

/** Submits, finishes and returns the model's URL. */
export async function finishedModel(pixazo: PixazoEmulator): Promise<string> {
  const job = await submit(pixazo);
  finish(pixazo);
  return z.tuple([z.string()]).parse((await poll(job)).output?.media_url)[0];
}
