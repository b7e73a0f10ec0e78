import { loadConfig, SETTINGS } from '../../../src/config.js';
import { isRecord } from '../../../src/json.js';
import { allowList } from '../../../src/providers/url-policy.js';
import { visibleTools } from '../../../src/server/tool-list.js';
import { mutateJson } from '../mutate-json.js';
import { json, type Target, toJsonValue, unless } from '../target.js';

export const target: Target = {
  about: 'the environment and the flags',
  guides: ['/src/config', '/src/providers/url-policy', '/src/server.'],
  seeds: () => [
    json(Object.fromEntries(SETTINGS.map(({ name }) => [name, '1']))),
    json({
      FAL_KEY: ' "id:secret" ',
      MESHWRIGHT_ALLOW_HOSTS: 'localhost:80,[::1]:1,::1,a.b',
      MESHWRIGHT_TOOLS: 'models, jobs',
    }),
    json({
      MESHWRIGHT_ALLOWED_DIRS: '~/a,/b',
      MESHWRIGHT_DATA_DIR: '~',
      MESHWRIGHT_WAIT_SECONDS: '1e2',
      MESHWRIGHT_LOG: 'debug',
    }),
    json({
      MESHWRIGHT_FAL_QUEUE_URL: 'http://127.0.0.1:1/x/',
      MESHWRIGHT_PUBLIC_URL: 'https://a.example',
      MESHWRIGHT_MAXUSDPERJOB: '1',
    }),
    json({ SCENARIO_SDK_API_KEY: 'a', SCENARIO_SDK_API_SECRET: 'b', MESHWRIGHT_POLL_MS: '0' }),
  ],
  mutate: mutateJson,
  tokens: [...SETTINGS.map(({ name }) => name), 'https://', '@', ',', '::', '[', ']', ':0', ':65536', '~/', '"', "'", '\n', 'é', '1e3', '0x10', 'all', 'models'], // prettier-ignore
  run: async (bytes) => {
    const given = toJsonValue(bytes);
    if (!isRecord(given)) return;
    const env = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, typeof value === 'string' ? value : '1']),
    );
    const config = await unless(['configuration'], () => loadConfig(env));
    await unless(['configuration'], () => loadConfig({}, env));
    if (!config) return;
    await unless(['configuration'], () => allowList(config.allowHosts));
    await unless(['configuration'], () => visibleTools(config));
  },
};
