import type { Json, JsonObject } from '../../src/json.js';
import { ScenarioProvider, type ScenarioOptions } from '../../src/providers/scenario.js';
import { fixtureOf } from '../emulator/common/fixtures/named.js';
import { SCENARIO_TEST_KEY, SCENARIO_TEST_SECRET, type ScenarioEmulator } from '../emulator/scenario.js';
import { context, inputFile, sharedClock } from './support.js';

/** The provider pointed at the emulator, on its clock; what a test does not set is as in production. */
export function providerFor(
  scenario: ScenarioEmulator,
  options: Partial<ScenarioOptions> = {},
): ScenarioProvider {
  return new ScenarioProvider({
    key: SCENARIO_TEST_KEY,
    secret: SCENARIO_TEST_SECRET,
    url: scenario.urls.api,
    allowHosts: [new URL(scenario.urls.storage).host],
    clock: sharedClock(scenario),
    ...options,
  });
}

/** The id of a small image at Scenario. */
export function uploaded(provider: ScenarioProvider): Promise<string> {
  return provider.upload(inputFile(fixtureOf('png')), context());
}

export async function submitTo(provider: ScenarioProvider, body: JsonObject = {}): Promise<Json> {
  const image = 'image' in body ? {} : { image: await uploaded(provider) };
  return provider.submit({ jobId: 'job_1', model: 'model_pixal3d', body: { ...image, ...body } }, context());
}
