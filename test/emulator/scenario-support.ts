import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { fixtureOf } from './common/fixtures/named.js';
import type { Json, JsonObject } from './common/json.js';
import type { ScenarioEmulator, ScenarioOptions } from './scenario.js';
import { SCENARIO_TEST_KEY, SCENARIO_TEST_SECRET, startScenarioEmulator } from './scenario.js';

/** An emulator for one test, on a virtual clock unless told otherwise; it is closed when the test ends. */
export async function emulator(options: ScenarioOptions = {}): Promise<ScenarioEmulator> {
  const scenario = await startScenarioEmulator({ clock: 'virtual', ...options });
  onTestFinished(() => scenario.close());
  return scenario;
}

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;
export const auth = { authorization: basic(`${SCENARIO_TEST_KEY}:${SCENARIO_TEST_SECRET}`) };
export const wrongSecret = { authorization: basic(`${SCENARIO_TEST_KEY}:wrong`) };

/** A call with the key; `body` makes it a POST. */
export function call(
  scenario: ScenarioEmulator,
  path: string,
  body?: Json,
  headers: Record<string, string> = auth,
): Promise<Response> {
  return fetch(scenario.urls.api + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const assetReply = z.object({ asset: z.looseObject({ id: z.string(), url: z.string() }) });

/** The id of an uploaded image. */
export async function image(scenario: ScenarioEmulator): Promise<string> {
  const data = `data:image/png;base64,${fixtureOf('png').toString('base64')}`;
  const answer = await call(scenario, '/assets', { name: 'dog.png', image: data });
  return assetReply.parse(await answer.json()).asset.id;
}

/** POST to `/generate/custom/model_pixal3d` with an image of its own unless one is given. */
export async function post(
  scenario: ScenarioEmulator,
  input: JsonObject = {},
  { query = '', model = 'model_pixal3d' }: { query?: string; model?: string } = {},
): Promise<Response> {
  const own = 'image' in input ? {} : { image: await image(scenario) };
  return call(scenario, `/generate/custom/${model}${query}`, { ...own, ...input });
}

const job = z.looseObject({
  jobId: z.string(),
  status: z.string(),
  progress: z.number(),
  metadata: z.looseObject({ assetIds: z.array(z.string()).default([]) }),
});
export type ShownJob = z.output<typeof job>;
const jobReply = z.object({ job });

/** A submit that must be accepted. */
export async function submit(...args: Parameters<typeof post>): Promise<ShownJob> {
  return jobReply.parse(await (await post(...args)).json()).job;
}

/** What polling shows now. */
export async function poll(scenario: ScenarioEmulator, { jobId }: { jobId: string }): Promise<ShownJob> {
  return jobReply.parse(await (await call(scenario, `/jobs/${jobId}`)).json()).job;
}

/** Far enough ahead for every job that is not told otherwise. */
export function finish(scenario: ScenarioEmulator): void {
  scenario.clock.advance(600_000);
}

/** The asset as it is read now; its URL is new every time. */
export async function read(
  scenario: ScenarioEmulator,
  id: string,
): Promise<z.output<typeof assetReply>['asset']> {
  return assetReply.parse(await (await call(scenario, `/assets/${id}`)).json()).asset;
}

/** Submits, finishes and returns the model's asset id. */
export async function finishedModel(scenario: ScenarioEmulator): Promise<string> {
  const submitted = await submit(scenario);
  finish(scenario);
  return z.tuple([z.string()]).parse((await poll(scenario, submitted)).metadata.assetIds)[0];
}
