import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { formatLicences, licencesOf } from '../../scripts/licences.js';
import { temporaryFolder } from '../store/support/folder.js';

/** A project with these files; manifests are written as JSON. */
async function project(files: Record<string, string | object>): Promise<string> {
  const root = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(root, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return root;
}

it('gives name, version, licence and text of every package that is carried, wherever it lies', async () => {
  const root = await project({
    'node_modules/@a/b/package.json': { name: '@a/b', version: '1.2.3', license: 'Apache-2.0' },
    'node_modules/@a/b/LICENSE.md': 'Terms of b.',
    'node_modules/@a/b/NOTICES': 'Thanks to z.',
    'node_modules/@a/b/index.js': '',
    'node_modules/@a/b/node_modules/c/package.json': { name: 'c', version: '2.0.0', license: 'MIT' },
    'node_modules/@a/b/node_modules/c/licence.txt': 'Terms of c.',
    'node_modules/@a/b/node_modules/c/lib/x.js': '',
    'node_modules/idle/package.json': { name: 'idle' },
  });
  const carried = await licencesOf(
    ['src/own.ts', 'node_modules/@a/b/index.js', 'node_modules/@a/b/node_modules/c/lib/x.js'],
    root,
  );
  expect(carried).toEqual([
    { title: '@a/b 1.2.3', licence: 'Apache-2.0', text: 'Terms of b.\n\nThanks to z.' },
    { title: 'c 2.0.0', licence: 'MIT', text: 'Terms of c.' },
  ]);
  expect(formatLicences(carried)).toMatch(
    /@a\/b 1\.2\.3 \(Apache-2\.0\)\n\nTerms of b\.[^]*c 2\.0\.0 \(MIT\)/,
  );
});

it('gives the licence of what a package has bundled itself', async () => {
  const root = await project({
    'node_modules/big/package.json': { name: 'big', version: '1.0.0', license: 'MIT' },
    'node_modules/big/LICENSE': 'Terms of big.',
    'node_modules/big/index.js':
      'a();\n//#region ../../node_modules/.pnpm/@s+small@1.0.0/node_modules/@s/small/x.js\nb();',
    'node_modules/@s/small/package.json': { name: '@s/small', version: '9.0.0', license: 'ISC' },
    'node_modules/@s/small/LICENSE': 'Terms of small.',
  });
  expect(await licencesOf(['node_modules/big/index.js'], root)).toMatchObject([
    { title: '@s/small', licence: 'ISC', text: 'Terms of small.' },
    { title: 'big 1.0.0' },
  ]);
});

it.each([
  ['names no licence', { name: 'bare', version: '1.0.0' }, 'Terms.'],
  ['ships no text', { name: 'bare', version: '1.0.0', license: 'MIT' }, undefined],
])('refuses a package that %s', async (_what, manifest, text) => {
  const root = await project({
    'node_modules/bare/package.json': manifest,
    'node_modules/bare/index.js': '',
    ...(text === undefined ? {} : { 'node_modules/bare/LICENSE': text }),
  });
  await expect(licencesOf(['node_modules/bare/index.js'], root)).rejects.toThrow(/^bare is bundled, but/);
});
