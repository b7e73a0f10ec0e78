import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flagOf, SETTINGS } from '../../src/config.js';
import { connect, removeFolder, serverEnv, temporaryFolder } from '../support/clients.js';
import { outcomeOf, run, start } from './support.js';

let folder: string;
beforeAll(async () => (folder = await temporaryFolder()));
afterAll(() => removeFolder(folder));

describe('help', () => {
  it('lists every command, every setting, and the keys that only the environment may hold', async () => {
    const { code, stdout, stderr } = await run(folder, ['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const command of ['generate', 'models', 'jobs', 'assets', 'doctor'])
      expect(stdout).toContain(command);
    for (const setting of SETTINGS) {
      expect(stdout).toContain(setting.secret ? setting.name : flagOf(setting));
      if (setting.secret) expect(stdout).not.toContain(flagOf(setting));
    }
  });

  it('is printed by the word as well as by the flag, also of one command', async () => {
    expect(await run(folder, ['help'])).toEqual(await run(folder, ['--help']));
    expect(await run(folder, ['help', 'jobs'])).toEqual(await run(folder, ['jobs', '--help']));
  });

  it("lists a model's arguments under their own names", async () => {
    const { code, stdout } = await run(folder, ['generate', 'local_image_to_3d', '--help']);
    expect(code).toBe(0);
    for (const text of [
      '--image_url',
      '--target_triangles',
      'auto|inflate|lathe|extrude',
      'default: 20000',
      '-o, --output',
    ])
      expect(stdout).toContain(text);
  });

  it('may be cut short by who reads it, as by `| head`', async () => {
    const child = start(folder, ['--help']);
    const outcome = outcomeOf(child);
    child.stdout.destroy();
    expect(await outcome).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('prints the version of the package', async () => {
    const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
    const { version } = z.object({ version: z.string() }).parse(JSON.parse(text));
    expect(await run(folder, ['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('bad usage ends with 2, a sentence on stderr and nothing on stdout', () => {
  const cases: [name: string, args: string[], sentence: RegExp][] = [
    ['an unknown command', ['generat'], /There is no command generat; there are generate, models, jobs/],
    ['an unknown flag', ['jobs', '--limt', '3'], /Unknown option '--limt'.*--limit/],
    ['a flag without its value', ['--data-dir'], /--data-dir <value>.*argument missing/],
    [
      'a bad setting',
      ['jobs', '--wait-seconds', 'soon'],
      /MESHWRIGHT_WAIT_SECONDS must be a number from 0 to 600, not "soon"/,
    ],
    ['no model', ['generate'], /Name the model's tool.*local_image_to_3d/],
    [
      'an unknown model',
      ['generate', 'sculptor'],
      /There is no model tool sculptor; there are .*local_image_to_3d/,
    ],
    [
      'a model without its key',
      ['generate', 'trellis', '--image_url', 'mushroom.png'],
      /trellis needs a key of fal \(FAL_KEY\), in the environment/,
    ],
    ['a missing argument', ['generate', 'local_image_to_3d'], /`image_url` is missing: give front view/],
    [
      'an unknown argument',
      ['generate', 'local_image_to_3d', '--image_url', 'mushroom.png', '--colour', 'red'],
      /local_image_to_3d has no argument `colour`; it takes: image_url, /,
    ],
    [
      'a wrong enum',
      ['generate', 'local_image_to_3d', '--image_url', 'mushroom.png', '--shape', 'round'],
      /`shape` must be one of auto, inflate, lathe, extrude/,
    ],
    [
      'a number out of range',
      ['generate', 'local_image_to_3d', '--image_url', 'mushroom.png', '--target-triangles', '5'],
      /`target_triangles` must be a whole number from 100 to 200000/,
    ],
    [
      'a list where one is wanted',
      ['generate', 'local_image_to_3d', '--image_url', 'mushroom.png', '--image_url', 'mushroom-left.png'],
      /`image_url` must be a string/,
    ],
    [
      'a wait that is no number',
      ['generate', 'local_image_to_3d', '--image_url', 'mushroom.png', '--wait', 'long'],
      /`--wait` must be a number/,
    ],
    [
      'a force_new that is neither true nor false',
      ['generate', 'local_image_to_3d', '--image_url', 'mushroom.png', '--force_new', 'maybe'],
      /`force_new` must be true or false/,
    ],
    [
      'a picture without its argument',
      ['generate', 'local_image_to_3d', 'mug.png'],
      /"mug\.png" belongs to no option; give a picture as `--image_url mug\.png`/,
    ],
    [
      'a no behind an option that is only there or not',
      ['generate', 'local_image_to_3d', '--image_url', 'mushroom.png', '--yes', 'false'],
      /"false" belongs to no option; the option before it takes no value/,
    ],
    [
      'a picture that is not there',
      ['generate', 'local_image_to_3d', '--image_url', 'no-such.png'],
      /no-such\.png/,
    ],
    ['a picture that is none', ['generate', 'local_image_to_3d', '--image_url', '../package.json'], /image/i],
    [
      'a target outside the open folders',
      ['generate', 'local_image_to_3d', '--image_url', 'mushroom.png', '-o', '/etc/mushroom.glb'],
      /\/etc\/mushroom\.glb is not in a folder that is open/,
    ],
    [
      'a target in a folder that is not there',
      ['generate', 'local_image_to_3d', '--image_url', 'mushroom.png', '-o', 'nowhere/'],
      /nowhere/,
    ],
    ['an unknown status', ['jobs', '--status', 'done'], /`status` must be one of queued, running/],
    ['an unknown job', ['jobs', 'job_0'], /There is no job job_0\. `meshwright jobs` lists those there are/],
    [
      'an unknown asset',
      ['assets', 'asset_0'],
      /There is no asset asset_0\. `meshwright assets` lists those there are/,
    ],
    ['an unknown model to list', ['models', 'sculptor'], /There is no model tool sculptor/],
    ['nothing to do with tokens', ['token'], /add .*remove <name>.*Say which of these commands\./s],
    ['a second name', ['token', 'add', 'carl', 'dave'], /Too many arguments for 'add'\. Expected 1 .* got 2/],
    [
      'a word too many for the server',
      ['http', 'extra'],
      /Too many arguments for 'http'\. Expected 0 .* got 1/,
    ],
    ['a word too many for doctor', ['doctor', 'x'], /Too many arguments for 'doctor'\./],
    ['the costs of one job', ['jobs', '--costs', 'job_0'], /--costs sums up all jobs: leave job_0 out/],
    ['days of no costs', ['jobs', '--days', '3'], /--days goes with --costs/],
    ['an empty port', ['http', '--port', ''], /--port must be a whole number from 0 to 65535, not ""/],
    [
      'a negative cap',
      ['token', 'add', 'ada', '--max-usd-per-day=-3'],
      /number of dollars, 0 or more, not -3/,
    ],
    [
      'no such token file',
      ['http', '--tokens', 'none.json'],
      /There is no token file .*none\.json.*token add NAME --tokens FILE/,
    ],
  ];
  it.for(cases)('%s', async ([, args, sentence]) => {
    const { code, stdout, stderr } = await run(folder, args);
    expect(stderr).toMatch(sentence);
    expect(stderr).toMatch(/^meshwright: /m);
    expect(stderr).not.toMatch(/\n {4}at /);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('is an error object on stdout with --json', async () => {
    const { code, stdout } = await run(folder, [
      'generate',
      'local_image_to_3d',
      '--shape',
      'round',
      '--json',
    ]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'invalid_arguments',
        message: expect.stringContaining('`shape` must be one of'),
        field: expect.any(String),
        retryable: false,
        charged: 'no',
      },
    });
  });
});

describe('the HTTP server says what is wrong before it starts', () => {
  it.each<[name: string, content: string, sentence: RegExp]>([
    ['a file cut off', '{"principals": [', /it is no JSON\. Correct it, or move it away/],
    ['another list', '{"principls": []}', /there is no principls; the nearest is principals/],
    [
      'a cap misspelt',
      JSON.stringify({ principals: [{ name: 'ada', token_sha256: 'a'.repeat(64), max_usd_per_dy: 2 }] }),
      /principals\.0: there is no max_usd_per_dy; the nearest is max_usd_per_day/,
    ],
    [
      'a token without its hash',
      JSON.stringify({ principals: [{ name: 'ada', token: 'mw_secretsecret' }] }),
      /principals\.0: there is no token; the nearest is token_sha256, the SHA-256 of the token \(`meshwright token add NAME` writes it\)/,
    ],
    [
      'a cap in words',
      JSON.stringify({ principals: [{ name: 'ada', token_sha256: 'a'.repeat(64), max_usd_per_day: 'ten' }] }),
      /principals\.0\.max_usd_per_day: must be a number of dollars, 0 or more\./,
    ],
    [
      'a cap below nothing',
      JSON.stringify({ principals: [{ name: 'ada', token_sha256: 'a'.repeat(64), max_usd_per_job: -1 }] }),
      /principals\.0\.max_usd_per_job: must be a number of dollars, 0 or more\./,
    ],
    [
      'nobody at all',
      JSON.stringify({ principals: [{ token_sha256: 'a'.repeat(64) }] }),
      /principals\.0\.name: is missing; it must be a text\./,
    ],
    ['only a list', '[]', /the file: must be an object with a list of principals\./],
    [
      'a cap of nobody',
      '{"principals": [], "max_usd_per_day": 2}',
      /max_usd_per_day is out of place; it belongs into an entry of principals/,
    ],
    [
      'a token in the place of its hash',
      JSON.stringify({ principals: [{ name: 'ada', token_sha256: 'mw_secretsecret' }] }),
      /principals\.0\.token_sha256: must be 64 hex digits/,
    ],
  ])('%s for tokens', async (name, content, sentence) => {
    const file = path.join(folder, `${name}.json`);
    await writeFile(file, content);
    for (const args of [
      ['http', '--port', '0'],
      ['token', 'add', 'bob'],
    ]) {
      const { code, stderr } = await run(folder, [...args, '--tokens', file]);
      expect(stderr).toMatch(sentence);
      expect(stderr).not.toContain('secretsecret');
      expect(code).toBe(2);
    }
    expect(await readFile(file, 'utf8')).toBe(content);
  });

  it('a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = z.object({ port: z.number() }).parse(other.address());
    const { code, stderr } = await run(folder, ['http', '--port', String(address.port)]);
    other.close();
    expect(stderr).toMatch(/another program listens there.*Choose another --port/);
    expect(code).toBe(2);
  });
});

describe('settings', () => {
  it('refuses a key on the command line without repeating it', async () => {
    for (const args of [
      ['--fal-key', 'id:topsecret'],
      ['jobs', '--scenario-sdk-api-secret=topsecret'],
    ]) {
      const { code, stdout, stderr } = await run(folder, args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(
        /is refused: other users of this machine can read command lines.*environment as (FAL_KEY|SCENARIO_SDK_API_SECRET)/,
      );
      expect(stderr).not.toContain('topsecret');
    }
  });

  it('stops at an unknown name in the environment', async () => {
    for (const args of [['jobs'], ['--wait-seconds', '3'], []]) {
      const { code, stdout, stderr } = await run(folder, args, { env: { MESHWRIGHT_DATADIR: '/x' } });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(
        'MESHWRIGHT_DATADIR is not a setting of meshwright; did you mean MESHWRIGHT_DATA_DIR?',
      );
    }
  });

  it('serves MCP with settings from flags, which win over the environment, with or without the prefix', async () => {
    const env = serverEnv(folder, { MESHWRIGHT_TOOLS: 'models' });
    for (const flag of ['--tools', '--meshwright-tools']) {
      const client = await connect('v1', env, [flag, 'list_jobs,get_job']);
      try {
        expect((await client.listTools()).map(({ name }) => name)).toEqual(['get_job', 'list_jobs']);
      } finally {
        await client.close();
      }
    }
  });
});
