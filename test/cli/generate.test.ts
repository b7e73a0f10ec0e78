import { once } from 'node:events';
import { copyFile, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { jobSchema } from '../../src/jobs/view.js';
import { FAL_TEST_KEY, startFalEmulator } from '../emulator/fal.js';
import { removeFolder, temporaryFolder } from '../support/clients.js';
import { LEFT_PICTURE, outcomeOf, PICTURE, run, start } from './support.js';

const QUICK = ['--target_triangles', '500', '--texture_size', '1024'];
const GENERATE = ['generate', 'local_image_to_3d'];

let data: string;
let folder: string;
beforeAll(async () => {
  data = await temporaryFolder();
  // As macOS has it, the temporary folder is reached over a symbolic link.
  folder = await realpath(await temporaryFolder());
  await copyFile(PICTURE, path.join(folder, 'front.png'));
  await copyFile(LEFT_PICTURE, path.join(folder, 'left.png'));
});
afterAll(async () => {
  await removeFolder(data);
  await removeFolder(folder);
});

const inFolder = (args: string[]): ReturnType<typeof run> => run(data, args, { cwd: folder });

describe('generate', () => {
  it('writes a GLB of pictures named from the working folder, and tells a person about it', async () => {
    const { code, stdout, stderr } = await inFolder([
      ...GENERATE,
      '--image_url',
      'front.png',
      '--left-image-url=./left.png',
      '-o',
      'out.glb',
      ...QUICK,
    ]);
    expect(code, stderr).toBe(0);
    const target = path.join(folder, 'out.glb');
    const [first, numbers, ids] = stdout.trimEnd().split('\n');
    expect(first).toBe(target);
    expect(numbers).toMatch(
      /^\d+ triangles, [\d,]+ vertices, [\d.]+ × [\d.]+ × [\d.]+ m, .* KiB; [\d.]+ s, free$/,
    );
    expect(ids).toMatch(/^job_\w{26}, asset_\w{26}$/);
    const bytes = await readFile(target);
    expect(bytes.subarray(0, 4).toString()).toBe('glTF');
    expect(bytes.readUInt32LE(8)).toBe(bytes.length);
    // Plain lines where nobody watches: no control characters.
    expect(stderr).toMatch(/^[A-Z][a-z ]+, \d+ %/m);
    expect(stderr).not.toContain('\u001b');
  });

  it('prints exactly the job with --json, nothing else anywhere, and the same job for the same call', async () => {
    const call = [...GENERATE, '--image_url', 'front.png', ...QUICK, '--json'];
    const { code, stdout, stderr } = await inFolder(call);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const job = jobSchema.strict().parse(JSON.parse(stdout));
    expect(job).toMatchObject({
      status: 'succeeded',
      tool: 'local_image_to_3d',
      provider: 'local',
      progress: 1,
    });
    expect(job.deduplicated).toBeUndefined();
    const [asset] = job.assets;
    expect(asset).toMatchObject({ role: 'model', format: 'glb', mime_type: 'model/gltf-binary' });
    expect((await stat(asset?.path ?? '')).size).toBe(asset?.size_bytes);

    const again = await inFolder(call);
    expect(JSON.parse(again.stdout)).toEqual({ ...job, deduplicated: true });
  });

  it('makes a job anew only with --force_new, and not when that is false', async () => {
    const call = [...GENERATE, '--image_url', 'front.png', ...QUICK, '--json'];
    const job = jobSchema.parse(JSON.parse((await inFolder(call)).stdout));
    for (const no of [['--force_new', 'false'], ['--force-new=false']]) {
      const { stdout: kept } = await inFolder([...call, ...no]);
      expect(JSON.parse(kept), no.join(' ')).toMatchObject({ job_id: job.job_id, deduplicated: true });
    }
    const anew = await inFolder([...call, '--force_new', 'true']);
    expect(jobSchema.parse(JSON.parse(anew.stdout)).job_id).not.toBe(job.job_id);
  });

  it('keeps a file that exists, before anything is made, unless told to overwrite', async () => {
    const target = path.join(folder, 'kept.glb');
    await writeFile(target, 'mine');
    const call = [...GENERATE, '--image_url', 'front.png', ...QUICK, '--force-new', '-o', 'kept.glb'];
    const before = await inFolder(['jobs', '--json']);
    const refused = await inFolder(call);
    expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(`${target} exists already. Give another name, or add --overwrite.`);
    expect(await readFile(target, 'utf8')).toBe('mine');
    expect(await inFolder(['jobs', '--json'])).toEqual(before);

    const { code, stdout } = await inFolder([...call, '--overwrite']);
    expect(code).toBe(0);
    expect((await readFile(target)).subarray(0, 4).toString()).toBe('glTF');
    const [, , ids = ''] = stdout.split('\n');
    expect(before.stdout).not.toContain(ids.slice(0, ids.indexOf(',')));
  });

  it('hands out the job when the wait is over, and `jobs wait` goes on with it', async () => {
    const call = [...GENERATE, '--image_url', 'front.png', ...QUICK, '--shape', 'extrude', '--wait', '0'];
    const started = await inFolder(call);
    const [id = ''] = started.stdout.split('\n');
    expect(started.code).toBe(0);
    expect(started.stderr).toContain(
      `It is kept, not worked on: \`meshwright jobs wait ${id}\` goes on with it`,
    );

    const waited = await inFolder(['jobs', 'wait', `meshwright://jobs/${id}`, '-o', 'later.glb']);
    expect(waited.code, waited.stderr).toBe(0);
    expect(waited.stdout.split('\n')[0]).toBe(path.join(folder, 'later.glb'));
    expect((await stat(path.join(folder, 'later.glb'))).size).toBeGreaterThan(1000);
  });

  it('leaves a paid job only once it was sent, and says where it goes on and who fetches its files', async () => {
    const fal = await startFalEmulator({ jobMs: 60_000 });
    onTestFinished(() => fal.close());
    const env = {
      FAL_KEY: FAL_TEST_KEY,
      MESHWRIGHT_FAL_QUEUE_URL: fal.urls.queue,
      MESHWRIGHT_FAL_REST_URL: fal.urls.rest,
      MESHWRIGHT_ALLOW_HOSTS: new URL(fal.urls.cdn).host,
    };
    const call = ['generate', 'trellis', '--image_url', 'front.png', '--wait', '0'];
    const { code, stdout, stderr } = await run(data, call, { cwd: folder, env });
    const [id = ''] = stdout.split('\n');
    expect({ code, accepted: fal.ledger.accepted }, stderr).toEqual({ code: 0, accepted: 1 });
    expect(stderr).toContain(
      `It goes on at fal; its files are not fetched by themselves: \`meshwright jobs wait ${id}\` fetches them`,
    );
  });

  it('fails with 1 and the reason when the job fails', async () => {
    await sharp({ create: { width: 256, height: 256, channels: 3, background: 'white' } })
      .png()
      .toFile(path.join(folder, 'blank.png'));
    const { code, stdout, stderr } = await inFolder([
      ...GENERATE,
      '--image_url',
      'blank.png',
      '-o',
      'blank.glb',
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^meshwright: .*\bobject\b/m);
    expect(stderr).toMatch(/job_\w{26} is failed; nothing was charged\./);
    await expect(stat(path.join(folder, 'blank.glb'))).rejects.toThrow('ENOENT');
  });

  it('says at the first Ctrl-C how to go on, leaves at the second, and loses nothing', async () => {
    const child = start(
      data,
      [...GENERATE, '--image_url', 'front.png', '--left_image_url', 'left.png', '--force_new'],
      {
        cwd: folder,
      },
    );
    const outcome = outcomeOf(child);
    let told = '';
    const seen = async (pattern: RegExp): Promise<string> => {
      while (!pattern.test(told)) {
        const [text]: unknown[] = await once(child.stderr, 'data');
        told += String(text);
      }
      return pattern.exec(told)?.[1] ?? '';
    };
    await seen(/^([A-Z][a-z ]+), \d+ %/m);
    child.kill('SIGINT');
    const id = await seen(/Ctrl-C again leaves.*meshwright jobs wait (job_\w{26})/);
    child.kill('SIGINT');
    expect(await outcome).toMatchObject({ code: 130, stdout: '' });

    const { code, stdout } = await inFolder(['jobs', 'wait', id, '--json']);
    expect(code).toBe(0);
    expect(jobSchema.parse(JSON.parse(stdout))).toMatchObject({ job_id: id, status: 'succeeded' });
  });
});
