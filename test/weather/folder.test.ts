import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../cli/support.js';
import { buy, place } from './support/weather.js';

/** A data folder that cannot be used: what does not need it works, all else says in a sentence what to mend. */

/** `/proc` takes no folder from anybody, root included; where there is none, it cannot be made either. */
const places = {
  'a file in its place': (folder: string) => path.join(folder, 'file'),
  'a file above it': (folder: string) => path.join(folder, 'file', 'data'),
  'a file system that takes no folders': () => '/proc/meshwright/data',
};

describe.each(Object.entries(places))('with %s', (_what, dataIn) => {
  it('the catalogue is shown, and a paid call is refused with the folder named and nothing sent', async () => {
    const { folder, fal, server } = await place();
    await writeFile(path.join(folder, 'file'), '');
    const data = dataIn(folder);
    const client = await server(data);
    const bought = await buy(client, 1, 1);
    expect(bought).toMatchObject({ isError: true });
    expect(bought.text).toContain(data);
    expect(bought.text).toMatch(/MESHWRIGHT_DATA_DIR.*Nothing was sent and nothing was charged\./);
    expect(bought.text).toContain('"charged":"no"');
    expect(fal.journal.count('queue', 'submit')).toBe(0);
    expect((await client.call('list_jobs', {})).text).toContain('MESHWRIGHT_DATA_DIR');
    const models = await client.call('list_models', {});
    expect(models.isError, models.text).toBe(false);
    expect(models.text).toContain('trellis');
  });

  it('the HTTP server does not start, and says so in one line', async () => {
    const { folder, env } = await place();
    await writeFile(path.join(folder, 'file'), '');
    const data = dataIn(folder);
    const { code, stderr } = await run(data, ['http', '--port', '0'], { env: env(data) });
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(data);
    expect(stderr).toContain('MESHWRIGHT_DATA_DIR');
  });
});
