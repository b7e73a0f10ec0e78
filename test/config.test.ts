import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';

describe('configuration', () => {
  it('has the defaults of the contract', () => {
    expect(loadConfig({})).toMatchObject({
      falQueueUrl: 'https://queue.fal.run',
      falRestUrl: 'https://rest.fal.ai',
      pixazoUrl: 'https://gateway.pixazo.ai',
      scenarioUrl: 'https://api.cloud.scenario.com/v1',
      waitSeconds: 45,
      dedupeSeconds: 600,
      linkSeconds: 3600,
      tools: ['all'],
      log: 'info',
      maxUsdPerJob: undefined,
      askUsd: undefined,
      allowedDirs: [process.cwd(), os.homedir(), os.tmpdir()],
    });
  });

  it('reads every kind of value, trimmed', () => {
    const config = loadConfig({
      FAL_KEY: '  "id:secret"\n',
      MESHWRIGHT_DATA_DIR: '~/models',
      MESHWRIGHT_ALLOW_HOSTS: 'localhost:8080, 10.0.0.1',
      MESHWRIGHT_WAIT_SECONDS: '5',
      MESHWRIGHT_TOOLS: 'jobs, pixal3d',
      MESHWRIGHT_FAL_QUEUE_URL: 'http://127.0.0.1:1234/',
      MESHWRIGHT_PUBLIC_URL: 'https://x.example/mesh',
    });
    expect(config).toMatchObject({
      falKey: 'id:secret',
      dataDir: path.join(os.homedir(), 'models'),
      allowHosts: ['localhost:8080', '10.0.0.1'],
      waitSeconds: 5,
      tools: ['jobs', 'pixal3d'],
      falQueueUrl: 'http://127.0.0.1:1234',
      publicUrl: 'https://x.example/mesh',
    });
  });

  it('takes a price to ask from, nothing, or never', () => {
    const read = (text: string): unknown => loadConfig({ MESHWRIGHT_ASK_USD: text }).askUsd;
    expect([read('0'), read('2.5'), read('never')]).toEqual([0, 2.5, Infinity]);
    expect(() => read('often')).toThrow(/MESHWRIGHT_ASK_USD must be a number .*or never/);
  });

  it.each([
    [{ MESHWRIGHT_COLOUR: 'red' }, /MESHWRIGHT_COLOUR is not a setting/],
    [{ MESHWRIGHT_COLOUR: 'red' }, /is not a setting of meshwright; `meshwright --help` lists them all/],
    [{ MESHWRIGHT_DATADIR: '/x' }, /did you mean MESHWRIGHT_DATA_DIR\?/],
    [{ MESHWRIGHT_TOKEN: '/x' }, /did you mean MESHWRIGHT_TOKENS\?/],
    [{ MESHWRIGHT_LINKS_SECONDS: '9' }, /did you mean MESHWRIGHT_LINK_SECONDS\?/],
    [{ MESHWRIGHT_FAL_KEY: 'id:x' }, /did you mean FAL_KEY\?/],
    [
      { MESHWRIGHT_WAIT_SECONDS: 'soon' },
      /MESHWRIGHT_WAIT_SECONDS must be a number from 0 to 600, not "soon"/,
    ],
    [{ MESHWRIGHT_WAIT_SECONDS: '-1' }, /MESHWRIGHT_WAIT_SECONDS/],
    ...['https://mesh.example/mcp', 'https://x.example/mesh/mcp/'].map((url): [NodeJS.ProcessEnv, RegExp] => [
      { MESHWRIGHT_PUBLIC_URL: url },
      /MESHWRIGHT_PUBLIC_URL must be the address without \/mcp at its end, not "https:/,
    ]),
    [{ MESHWRIGHT_PIXAZO_URL: 'gateway' }, /MESHWRIGHT_PIXAZO_URL must be a URL/],
    [{ MESHWRIGHT_PIXAZO_URL: 'ftp://x' }, /MESHWRIGHT_PIXAZO_URL must begin with https/],
    [{ MESHWRIGHT_ALLOW_HOSTS: 'http://x/' }, /MESHWRIGHT_ALLOW_HOSTS must be a comma-separated list/],
    [{ MESHWRIGHT_LOG: 'loud' }, /MESHWRIGHT_LOG must be error, warn, info or debug/],
    [{ SCENARIO_SDK_API_KEY: 'k' }, /belong together/],
  ])('stops the start with one sentence that names the setting: %j', (env, sentence) => {
    expect(() => loadConfig(env)).toThrow(sentence);
  });

  it('never repeats a key in the sentence', () => {
    expect(() => loadConfig({ FAL_KEY: 'se cret-value' })).toThrow(/^(?!.*cret-value).*FAL_KEY/);
  });
});
