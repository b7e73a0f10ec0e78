import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as z from 'zod';
import { expect, it } from 'vitest';

/** What an install brings: the package as it would be published. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const packed = z.array(
  z.object({ unpackedSize: z.number(), files: z.array(z.object({ path: z.string(), size: z.number() })) }),
);

it('holds the bundle, its workers and texts, and nothing else', async () => {
  const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    shell: process.platform === 'win32',
  });
  const [content] = packed.parse(JSON.parse(stdout));
  const files = content?.files.map((file) => file.path) ?? [];
  expect(files).toEqual(
    expect.arrayContaining([
      'LICENSE',
      'README.md',
      'package.json',
      'dist/THIRD-PARTY-LICENSES.txt',
      'dist/basis/basis_transcoder.wasm',
      'dist/cli.js',
      'dist/engine-worker.js',
      'dist/glb-worker.js',
    ]),
  );
  const others = files.filter(
    (file) => !/^dist\/([\w-]+\.js(\.LEGAL\.txt)?|THIRD-PARTY-LICENSES\.txt|basis\/[\w.]+)$/.test(file),
  );
  expect(others.toSorted()).toEqual(
    ['LICENSE', 'README.md', 'SECURITY.md', 'package.json'].filter((file) => files.includes(file)),
  );
  expect(content?.unpackedSize).toBeLessThan(8_000_000);
});

it('carries the licence of every work whose name is in the bundle', async () => {
  const licences = await readFile(path.join(root, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8');
  const titles = new Set([...licences.matchAll(/^={80}\n(\S+)/gm)].map(([, title]) => title));
  for (const name of ['undici', 'zod', 'robot3', 'gltf-validator', 'basis_universal', 'ajv', 'gl-matrix']) {
    expect(titles).toContain(name);
  }
  const sources = await Promise.all(
    (await readdir(path.join(root, 'dist')))
      .filter((file) => file.endsWith('.LEGAL.txt'))
      .map((file) => readFile(path.join(root, 'dist', file), 'utf8')),
  );
  // What esbuild keeps of the comments in the sources names their packages.
  const named = sources.flatMap((text) => [...text.matchAll(/^((?:@[\w.-]+\/)?[\w.-]+)\/\S+:$/gm)]);
  expect(named.length).toBeGreaterThan(0);
  for (const [, name] of named) expect(titles).toContain(name);
});
