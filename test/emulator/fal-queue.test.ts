import { describe, expect, it } from 'vitest';
import { ENDPOINTS } from './fal/endpoints.js';
import { emulator, finish, get, IMAGE, post, read, statusOf, submit } from './support.js';

const DETAIL_OF = async (response: Promise<Response>): Promise<unknown> => (await response).json();

/** What each endpoint must be given, and the price of that call. */
const SMALLEST: Record<string, [input: object, usd: number, units: number]> = {
  'fal-ai/pixal3d': [{ image_url: IMAGE }, 0.42, 1.4],
  'fal-ai/reconviagen-0.5': [{ image_urls: [IMAGE] }, 0.5, 1],
  'tripo3d/tripo/v2.5/image-to-3d': [{ image_url: IMAGE }, 0.3, 1.5],
  'tripo3d/tripo/v2.5/multiview-to-3d': [{ front_image_url: IMAGE }, 0.3, 30],
  'fal-ai/hunyuan3d-v21': [{ input_image_url: IMAGE }, 0.3, 1],
  'fal-ai/hunyuan3d/v2': [{ input_image_url: IMAGE }, 0.16, 1],
  'fal-ai/hunyuan3d/v2/turbo': [{ input_image_url: IMAGE }, 0.14, 1],
  'fal-ai/hunyuan3d/v2/multi-view': [
    { front_image_url: IMAGE, back_image_url: IMAGE, left_image_url: IMAGE },
    0.16,
    1,
  ],
  'fal-ai/hyper3d/rodin': [{ prompt: 'a robot' }, 0.4, 1],
  'fal-ai/trellis': [{ image_url: IMAGE }, 0.02, 1],
  'fal-ai/trellis/multi': [{ image_urls: [IMAGE, IMAGE] }, 0.02, 1],
  'fal-ai/triposr': [{ image_url: IMAGE }, 0.07, 1],
};

describe('the twelve endpoints', () => {
  it('are those of the documents', () => {
    expect([...ENDPOINTS.keys()].toSorted()).toEqual(Object.keys(SMALLEST).toSorted());
  });

  it.each(Object.entries(SMALLEST))(
    '%s runs the smallest call and bills it',
    async (id, [input, usd, units]) => {
      const fal = await emulator();
      const job = await submit(fal, id, input);
      finish(fal);
      const result = await get(job.response_url);
      expect(result.status).toBe(200);
      expect(result.headers.get('x-fal-billable-units')).toBe(String(units));
      const files = JSON.stringify(await result.json()).match(/http[^"]+/g) ?? [];
      expect(files.length).toBeGreaterThan(0);
      for (const url of files) expect((await get(url, {})).status).toBe(200);
      expect(fal.ledger.entries()).toMatchObject([{ endpoint: id, state: 'billed', usd, units }]);
    },
  );

  it.each(Object.entries(SMALLEST).filter(([id]) => id !== 'fal-ai/hyper3d/rodin'))(
    '%s refuses a call without its images, unbilled',
    async (id, [input]) => {
      const fal = await emulator();
      const refused = await post(fal, id, {});
      expect(refused.status).toBe(422);
      expect(refused.headers.get('x-fal-billable-units')).toBe('0');
      const detail = Object.keys(input).map((name) => ({ loc: ['body', name], type: 'missing', input: {} }));
      expect(await refused.json()).toMatchObject({ detail });
      expect(fal.ledger.accepted).toBe(0);
    },
  );
});

describe('input checks', () => {
  const refusals: [endpoint: string, field: string, value: unknown, type: string, ctx?: object][] = [
    ['fal-ai/pixal3d', 'resolution', '1024', 'literal_error', { expected: '1024 or 1536' }],
    ['fal-ai/pixal3d', 'texture_size', 512, 'literal_error', { expected: '1024, 2048 or 4096' }],
    ['fal-ai/pixal3d', 'mesh_scale', 0.05, 'greater_than_equal', { ge: 0.1 }],
    ['fal-ai/pixal3d', 'ss_sampling_steps', 51, 'less_than_equal', { le: 50 }],
    ['fal-ai/pixal3d', 'ss_rescale_t', 0.5, 'greater_than_equal', { ge: 1 }],
    ['fal-ai/pixal3d', 'decimation_target', 1.5, 'int_from_float'],
    ['fal-ai/pixal3d', 'seed', 'x', 'int_parsing'],
    ['fal-ai/pixal3d', 'remesh', 'yes', 'bool_type'],
    ['fal-ai/pixal3d', 'image_url', null, 'string_type'],
    ['fal-ai/reconviagen-0.5', 'image_urls', [], 'sequence_too_short', { min_length: 1 }],
    ['fal-ai/reconviagen-0.5', 'image_urls', Array(17).fill(IMAGE), 'sequence_too_long', { max_length: 16 }],
    ['fal-ai/trellis', 'mesh_simplify', 0.5, 'greater_than_equal', { ge: 0.9 }],
    [
      'tripo3d/tripo/v2.5/image-to-3d',
      'texture',
      'hd',
      'literal_error',
      { expected: "'no', 'standard' or 'HD'" },
    ],
    ['fal-ai/hyper3d/rodin', 'addons', ['HighPack'], 'literal_error', { expected: "'HighPack'" }],
    ['fal-ai/hyper3d/rodin', 'input_image_urls', IMAGE, 'list_type'],
    ['fal-ai/hyper3d/rodin', 'prompt', 'x'.repeat(1025), 'string_too_long', { max_length: 1024 }],
    ['fal-ai/hyper3d/rodin', 'seed', 65_536, 'less_than_equal', { le: 65_535 }],
    ['fal-ai/triposr', 'foreground_ratio', 'wide', 'float_parsing'],
  ];
  it.each(refusals)('%s refuses %s = %j as %s', async (endpoint, field, value, type, ctx) => {
    const fal = await emulator();
    const input = { ...SMALLEST[endpoint]?.[0], [field]: value };
    const refused = await post(fal, endpoint, input);
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({
      detail: [
        {
          loc: ['body', field],
          type,
          input: value,
          url: `https://docs.fal.ai/errors/#${type}`,
          ...(ctx && { ctx }),
        },
      ],
    });
  });

  it('point into lists', async () => {
    const fal = await emulator();
    const refused = post(fal, 'fal-ai/trellis/multi', { image_urls: [IMAGE, 7] });
    expect(await DETAIL_OF(refused)).toMatchObject({
      detail: [{ loc: ['body', 'image_urls', 1], input: 7 }],
    });
  });

  it('take null for what may be null', async () => {
    const fal = await emulator();
    const job = await submit(fal, 'tripo3d/tripo/v2.5/multiview-to-3d', {
      front_image_url: IMAGE,
      left_image_url: null,
      pbr: null,
      seed: null,
    });
    expect(await statusOf(job)).toBe('IN_QUEUE');
  });

  it('take numeric texts only when they are lenient', async () => {
    const fal = await emulator({ coercion: 'lenient' });
    await submit(fal, 'fal-ai/pixal3d', {
      image_url: IMAGE,
      texture_size: '1024',
      mesh_scale: '2',
      remesh: 'true',
    });
    expect(fal.jobs.all()[0]?.input).toMatchObject({ texture_size: 1024, mesh_scale: 2, remesh: true });
  });

  it('swallow an unknown field, which the journal tells', async () => {
    const fal = await emulator();
    await submit(fal, 'fal-ai/pixal3d', { image_url: IMAGE, texturesize: 1024 });
    expect(fal.journal.entries()[0]?.warnings).toEqual(['unknown field texturesize']);
  });

  it('can be left to the model, which refuses when it runs', async () => {
    const fal = await emulator({ validateAt: 'run' });
    const job = await submit(fal, 'fal-ai/pixal3d', { image_url: IMAGE, texture_size: 3 });
    finish(fal);
    expect(await read(job.status_url)).toMatchObject({
      status: 'COMPLETED',
      error: 'Invalid status code: 422',
    });
    expect((await get(job.response_url)).status).toBe(422);
    expect(fal.ledger.usd).toBe(0);
  });

  it('leave it to Rodin to refuse a call with nothing in it', async () => {
    const fal = await emulator();
    const job = await submit(fal, 'fal-ai/hyper3d/rodin', {});
    finish(fal);
    expect((await get(job.response_url)).status).toBe(422);
  });

  it.each([
    ['a text that is no JSON', '{"image_url": ', 'json_invalid'],
    ['a list', '[]', 'model_attributes_type'],
  ])('refuse %s', async (_, body, type) => {
    const fal = await emulator();
    const { authorization } = { authorization: 'Key emulator-key-id:emulator-key-secret' };
    const refused = fetch(`${fal.urls.queue}/fal-ai/pixal3d`, {
      method: 'POST',
      headers: { authorization },
      body,
    });
    expect(await DETAIL_OF(refused)).toMatchObject({ detail: [{ type }] });
  });

  it('find images that cannot be read when the job runs', async () => {
    const fal = await emulator();
    const cases: [url: string, type: string][] = [
      [`${fal.urls.cdn}/files/none.png`, 'file_download_error'],
      ['http://192.168.0.7/dog.png', 'file_download_error'],
      ['/home/me/dog.png', 'file_download_error'],
      [`data:image/png;base64,${Buffer.from('<svg/>').toString('base64')}`, 'image_load_error'],
    ];
    for (const [image_url, type] of cases) {
      const job = await submit(fal, 'fal-ai/pixal3d', { image_url });
      finish(fal);
      expect(await read(job.response_url)).toMatchObject({ detail: [{ loc: ['body', 'image_url'], type }] });
    }
    expect(fal.ledger.usd).toBe(0);
  });
});

describe('outputs', () => {
  it('tell quad meshes as FBX, whatever the field promises', async () => {
    const fal = await emulator();
    const job = await submit(fal, 'tripo3d/tripo/v2.5/image-to-3d', { image_url: IMAGE, quad: true });
    finish(fal);
    const output = await read(job.response_url);
    expect(output).toMatchObject({ model_mesh: { url: expect.stringMatching(/\.fbx$/) }, base_model: null });
    expect(fal.ledger.usd).toBe(0.35);
  });

  it('hold an archive in model_mesh of Hunyuan3D 2.1, and the model in model_glb', async () => {
    const fal = await emulator();
    const job = await submit(fal, 'fal-ai/hunyuan3d-v21', { input_image_url: IMAGE, textured_mesh: true });
    finish(fal);
    expect(await read(job.response_url)).toMatchObject({
      model_glb: { file_name: 'textured_mesh.glb' },
      model_glb_pbr: { file_name: 'textured_mesh_pbr.glb' },
      model_mesh: { content_type: 'application/zip' },
    });
    expect(fal.ledger.usd).toBe(0.9);
  });

  it.each(['glb', 'usdz', 'fbx', 'obj', 'stl'])('of Rodin come as %s with their textures', async (format) => {
    const fal = await emulator();
    const job = await submit(fal, 'fal-ai/hyper3d/rodin', {
      prompt: 'a robot',
      geometry_file_format: format,
    });
    finish(fal);
    expect(await read(job.response_url)).toMatchObject({
      model_mesh: { file_name: `base_basic_pbr.${format}` },
      textures: expect.arrayContaining([expect.objectContaining({ width: 16, height: 16 })]),
    });
  });

  it('bring the textures of an OBJ in an archive of their own', async () => {
    const fal = await emulator();
    const job = await submit(fal, 'fal-ai/triposr', { image_url: IMAGE, output_format: 'obj' });
    finish(fal);
    expect(await read(job.response_url)).toMatchObject({
      model_mesh: { file_name: 'mesh.obj' },
      remeshing_dir: { file_name: 'remeshing_dir.zip' },
    });
  });

  it('repeat a seed that was given, and make one up otherwise', async () => {
    const fal = await emulator();
    const given = await submit(fal, 'fal-ai/pixal3d', { image_url: IMAGE, seed: 7 });
    const random = await submit(fal, 'fal-ai/hyper3d/rodin', { prompt: 'a robot' });
    finish(fal);
    expect(await read(given.response_url)).toMatchObject({ seed: 7 });
    expect(await read(random.response_url)).toMatchObject({ seed: expect.any(Number) });
    expect(fal.jobs.get(random.request_id)?.seed).toBeLessThan(65_536);
  });

  it('are the same in every emulator with the same seed', async () => {
    const ids = await Promise.all(
      [1, 2].map(async () => {
        const fal = await emulator({ seed: 'same' });
        const job = await submit(fal);
        finish(fal);
        return JSON.stringify([job.request_id, await read(job.response_url)]).replaceAll(
          /127\.0\.0\.1:\d+/g,
          '',
        );
      }),
    );
    expect(ids[0]).toBe(ids[1]);
  });

  it.each([
    [{ files: 'url-only' }, { model_mesh: { url: expect.stringContaining('http') } }],
    [{ files: 'empty-url' }, { model_mesh: { url: '' } }],
    [{ files: 'placeholder' }, { model_mesh: { content_type: 'image/png', file_name: 'z9RV14K95DvU.png' } }],
    [{ output: { model_mesh: null } }, { model_mesh: null }],
  ] as const)('vary as planned: %j', async (plan, expected) => {
    const fal = await emulator();
    fal.fault({ match: { op: 'submit' }, action: { type: 'job', ...plan } });
    const job = await submit(fal, 'fal-ai/trellis', { image_url: IMAGE });
    finish(fal);
    expect(await read(job.response_url)).toMatchObject(expected);
  });
});

describe('prices', () => {
  it.each([
    ['fal-ai/pixal3d', { image_url: IMAGE, texture_size: 1024 }, 0.3],
    ['fal-ai/pixal3d', { image_url: IMAGE, texture_size: 1024, resolution: 1536 }, 0.42],
    ['fal-ai/pixal3d', { image_url: IMAGE, texture_size: 4096 }, 0.42],
    ['tripo3d/tripo/v2.5/image-to-3d', { image_url: IMAGE, texture: 'no' }, 0.2],
    ['tripo3d/tripo/v2.5/image-to-3d', { image_url: IMAGE, texture: 'no', pbr: true }, 0.3],
    ['tripo3d/tripo/v2.5/image-to-3d', { image_url: IMAGE, texture: 'HD', style: 'gold', quad: true }, 0.5],
    ['fal-ai/hunyuan3d/v2', { input_image_url: IMAGE, textured_mesh: true }, 0.48],
    ['fal-ai/hyper3d/rodin', { prompt: 'a robot', addons: 'HighPack' }, 1.2],
  ])('%s %j costs %d', async (id, input, usd) => {
    const fal = await emulator();
    await submit(fal, id, input);
    finish(fal);
    expect(fal.ledger.usd).toBe(usd);
  });
});
