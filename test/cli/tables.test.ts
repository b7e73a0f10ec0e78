import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { costsSchema } from '../../src/jobs/costs.js';
import { assetSchema, jobSchema, type JobView } from '../../src/jobs/view.js';
import { removeFolder, temporaryFolder } from '../support/clients.js';
import { generateSmall, run } from './support.js';

const page = z.object({ jobs: z.array(jobSchema.strict()), costs: costsSchema.strict() }).strict();

let data: string;
let job: JobView;
beforeAll(async () => {
  data = await temporaryFolder();
  job = await generateSmall(data);
});
afterAll(() => removeFolder(data));

/** The rows of a table by the names of its columns, which begin where their titles begin or end. */
function cells(table: string): string[][] {
  return table
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));
}

describe('models', () => {
  it('shows which are ready and which key the others need', async () => {
    const { code, stdout } = await run(data, ['models']);
    expect(code).toBe(0);
    const [head, ...rows] = cells(stdout);
    expect(head).toEqual(['TOOL', 'READY', 'OVER', 'IMAGES', 'OUTPUT', 'PRICE', 'TYPICAL']);
    expect(rows.find(([tool]) => tool === 'local_image_to_3d')).toEqual(
      expect.arrayContaining(['yes', 'local', 'glb', 'free']),
    );
    const images = (name: string): string | undefined => rows.find(([tool]) => tool === name)?.[3];
    // Pictures of the object, as in the README: not arguments, and not the mask.
    expect(images('local_image_to_3d')).toBe('1 to 5');
    expect(images('trellis_multi')).toBe('1 to 16');
    expect(rows.find(([tool]) => tool === 'trellis')?.[1]).toBe('needs a key of fal');
  });

  it('is the catalogue with --json', async () => {
    const { stdout, stderr } = await run(data, ['models', '--json']);
    expect(stderr).toBe('');
    const models = z.object({ models: z.array(z.looseObject({ tool: z.string(), available: z.boolean() })) });
    const ready = models.parse(JSON.parse(stdout)).models.filter(({ available }) => available);
    expect(ready.map(({ tool }) => tool)).toEqual(['local_image_to_3d']);
  });

  it('tells more about one', async () => {
    const { stdout } = await run(data, ['models', 'local_image_to_3d']);
    expect(stdout).toContain('One image is only a guess');
    expect(stdout).toContain('left_image_url');
  });
});

describe('jobs', () => {
  it('is a table, newest first', async () => {
    const { code, stdout } = await run(data, ['jobs']);
    expect(code).toBe(0);
    const [head, row, ...others] = cells(stdout);
    expect(head).toEqual(['JOB', 'STATUS', 'TOOL', 'OVER', 'BEGUN', 'TOOK', 'COST']);
    expect(row?.slice(0, 4)).toEqual([job.job_id, 'succeeded', 'local_image_to_3d', 'local']);
    expect(row?.at(-1)).toBe('free');
    expect(others).toEqual([]);
  });

  it('is a page of jobs with --json, filtered by status', async () => {
    const all = await run(data, ['jobs', '--json', '--limit', '5']);
    expect(page.parse(JSON.parse(all.stdout)).jobs).toEqual([job]);
    const failed = await run(data, ['jobs', '--json', '--status', 'failed']);
    expect(page.parse(JSON.parse(failed.stdout)).jobs).toEqual([]);
  });

  it('tells more about one', async () => {
    const { stdout } = await run(data, ['jobs', job.job_id]);
    expect(stdout).toMatch(new RegExp(`^job +${job.job_id}$`, 'm'));
    expect(stdout).toContain(job.assets[0]?.path);
    const json = await run(data, ['jobs', job.job_id, '--json']);
    expect(JSON.parse(json.stdout)).toEqual(job);
  });

  it('reports a cancellation that came too late', async () => {
    const { code, stdout } = await run(data, ['jobs', 'cancel', job.job_id, '--json']);
    expect(code).toBe(0);
    expect(jobSchema.parse(JSON.parse(stdout))).toMatchObject({ job_id: job.job_id, status: 'succeeded' });
  });

  it('says on stderr that there are none', async () => {
    const empty = await temporaryFolder();
    try {
      const { code, stdout, stderr } = await run(empty, ['jobs']);
      expect(code).toBe(0);
      expect(cells(stdout)).toHaveLength(1);
      expect(stderr).toContain('There are no such jobs.');
    } finally {
      await removeFolder(empty);
    }
  });
});

describe('assets', () => {
  it('is a table with the file of each', async () => {
    const { code, stdout } = await run(data, ['assets']);
    expect(code).toBe(0);
    const [head, row] = cells(stdout);
    expect(head?.[0]).toBe('ASSET');
    expect(row?.[0]).toBe(job.assets[0]?.asset_id);
    expect((await stat(row?.at(-1) ?? '')).size).toBe(job.assets[0]?.size_bytes);
  });

  it('is a page of assets with --json, filtered by job', async () => {
    const assets = z.object({ assets: z.array(assetSchema.strict()) }).strict();
    const mine = await run(data, ['assets', '--job', job.job_id, '--json']);
    expect(assets.parse(JSON.parse(mine.stdout)).assets).toEqual(job.assets);
    const none = await run(data, ['assets', '--job', 'job_0', '--json']);
    expect(assets.parse(JSON.parse(none.stdout)).assets).toEqual([]);
  });

  it('looks into one', async () => {
    const id = job.assets[0]?.asset_id ?? '';
    const { stdout } = await run(data, ['assets', id]);
    expect(stdout).toMatch(/^validator +0 errors/m);
    expect(stdout).toMatch(/^watertight +yes$/m);
    const json = await run(data, ['assets', `meshwright://assets/${id}`, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...job.assets[0],
      inspection: { asset_id: id, watertight: true, validation: { errors: 0 } },
    });
  });

  it('saves one, once', async () => {
    const target = await realpath(await temporaryFolder());
    try {
      const save = ['assets', 'save', job.assets[0]?.asset_id ?? '', 'copy.glb'];
      const saved = await run(data, save, { cwd: target });
      const file = path.join(target, 'copy.glb');
      expect(saved).toMatchObject({ code: 0, stdout: `${file}\n` });
      expect(await readFile(file)).toEqual(await readFile(job.assets[0]?.path ?? ''));
      const again = await run(data, save, { cwd: target });
      expect({ code: again.code, stdout: again.stdout }).toEqual({ code: 2, stdout: '' });
      expect(await run(data, [...save, '--overwrite'], { cwd: target })).toMatchObject({
        code: 0,
        stderr: '',
      });
      const other = await run(data, [...save.slice(0, -1), 'copy.obj'], { cwd: target });
      expect(other.stderr).toContain('note: copy.obj holds GLB, not OBJ: nothing is converted.');
      const waited = await run(data, ['jobs', 'wait', job.job_id, '-o', 'other.fbx'], { cwd: target });
      expect(waited.stderr).toContain('note: other.fbx holds GLB, not FBX: nothing is converted.');
    } finally {
      await removeFolder(target);
    }
  });
});
