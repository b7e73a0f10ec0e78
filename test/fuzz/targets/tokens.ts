import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readTokenFile } from '../../../src/http/token-file.js';
import { mutateJson } from '../mutate-json.js';
import { hold, json, type Target, unless } from '../target.js';

const file = path.join(mkdtempSync(path.join(tmpdir(), 'meshwright-fuzz-')), 'tokens.json');
const hash = 'ab'.repeat(32);

export const target: Target = {
  about: 'the file of HTTP principals',
  guides: ['/src/http/principals'],
  seeds: () => [
    json({
      principals: [
        { name: 'ada', token_sha256: hash, max_usd_per_job: 1, max_usd_per_day: 5, metrics: true },
      ],
    }),
    json({ principals: [{ name: 'a', token_sha256: hash, keys: { FAL_KEY: 'id:secret-0123456789' } }] }),
    json({
      principals: [
        { name: 'a', token_sha256: hash },
        { name: 'a', token_sha256: hash },
      ],
    }),
    json({ principals: [] }),
    json([]),
  ],
  mutate: mutateJson,
  tokens: [
    'principals',
    'name',
    'token_sha256',
    'max_usd_per_job',
    'keys',
    'FAL_KEY',
    'SCENARIO_SDK_API_KEY',
    'local',
    hash,
  ],
  run: async (bytes) => {
    writeFileSync(file, bytes);
    const found = await unless(['configuration'], () => readTokenFile(file));
    for (const { name, token_sha256: token } of found?.principals ?? []) {
      hold(name !== 'local' && /^[0-9a-f]{64}$/.test(token), `${name} was let in`);
    }
  },
};
