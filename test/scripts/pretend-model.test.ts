import { execFile } from 'node:child_process';
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../store/support/folder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

const PRETEND = `
import * as z from 'zod';
import { falOutput } from '../families/fields.js';
import { image, type Model } from '../../jobs/model.js';

export const model: Model = {
  tool: 'pretend',
  title: 'Pretend',
  description: 'One image to a pretend GLB.',
  input: z.strictObject({ image_url: image('Image of one object') }),
  licence: 'none',
  outputs: ['glb'],
  routes: [
    {
      provider: 'fal',
      endpoint: 'fal-ai/pretend',
      request: (args, images) => ({ ...args, ...images }),
      output: falOutput(['model_glb']),
      prices: [{ usd: 0.07, source: 'nobody', date: '2026-11-20' }],
    },
  ],
};
`;

it('is one file: its tool, its documentation and its price follow', async () => {
  const project = await temporaryFolder();
  for (const name of ['src', 'scripts', 'docs', 'README.md', 'package.json', '.prettierrc.json']) {
    await cp(path.join(root, name), path.join(project, name), { recursive: true });
  }
  await symlink(path.join(root, 'node_modules'), path.join(project, 'node_modules'), 'junction');
  await writeFile(path.join(project, 'src/tools/models/pretend.ts'), PRETEND);
  const tsx = path.join(root, 'node_modules/tsx/dist/cli.mjs');
  await promisify(execFile)(process.execPath, [tsx, 'scripts/generate.ts'], { cwd: project });
  const written = (file: string): Promise<string> => readFile(path.join(project, file), 'utf8');
  expect(JSON.parse(await written('src/generated/tools.json'))).toContainEqual(
    expect.objectContaining({
      group: 'models',
      providers: ['fal'],
      definition: expect.objectContaining({ name: 'pretend', inputSchema: expect.anything() }),
    }),
  );
  expect(await written('docs/tools.md')).toMatch(/^## pretend$/m);
  expect(await written('README.md')).toContain('| `pretend` | fal | 1 | glb | $0.07 |');
});
