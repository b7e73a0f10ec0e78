import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { CLI, removeFolder, serverEnv, temporaryFolder } from '../support/clients.js';
import { startHttpProcess } from '../support/http-server.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

/** What the README's section on HTTP shows, as it is typed there. */
it('takes a team from nothing to a model from a picture that was uploaded', async () => {
  const folder = await temporaryFolder();
  const env = serverEnv(path.join(folder, 'data'));
  const node = async (args: string[], more: Record<string, string> = {}): Promise<string> =>
    (await run(process.execPath, args, { cwd: root, env: { ...env, ...more } })).stdout;
  const ada = (await node([CLI, 'token', 'add', 'ada', '--max-usd-per-day', '10'])).trim();
  await node([CLI, 'token', 'add', 'bob', '--max-usd-per-job', '0.50']);
  const server = await startHttpProcess({
    ...env,
    MESHWRIGHT_TOKENS: path.join(folder, 'data/tokens.json'),
  });
  try {
    const output = path.join(folder, 'mushroom.glb');
    const args = [
      'examples/remote-agent.mjs',
      server.origin,
      'examples/mushroom.png',
      'local_image_to_3d',
      output,
    ];
    const told = await node(args, { TOKEN: ada });
    const model = await readFile(output);
    expect(model.subarray(0, 4).toString()).toBe('glTF');
    const link = told.trim().split('\n').at(-1) ?? '';
    const opened = await fetch(link);
    expect(opened.headers.get('content-type')).toBe('model/gltf-binary');
    expect(Buffer.from(await opened.arrayBuffer()).equals(model)).toBe(true);
    await expect(node(args, { TOKEN: 'mw_wrong' })).rejects.toThrow(/401|token of this server/);
  } finally {
    await server.stop();
    await removeFolder(folder);
  }
});
