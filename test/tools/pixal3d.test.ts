import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/json.js';
import type { Route } from '../../src/jobs/model.js';
import { listedOutput } from '../../src/tools/families/fields.js';
import { model } from '../../src/tools/models/pixal3d.js';
import { jsonObject } from '../../src/tools/tool.js';

/** Arguments after defaults, as they reach a route: without the image. */
function argsOf(given: JsonObject = {}): JsonObject {
  const { image_url: _image, ...args } = jsonObject(
    model.input.parse({ image_url: 'https://example.com/a.png', ...given }),
  );
  return args;
}

function routeOver(provider: string): Route {
  const found = model.routes.find((route) => route.provider === provider);
  if (!found) throw new Error(`no route over ${provider}`);
  return found;
}

const bodyFor = (provider: string, given?: JsonObject): JsonObject =>
  routeOver(provider).request(argsOf(given), { image_url: 'the-image' });

/** Names at fal and at Scenario of what is one parameter, from the documents of both. */
const SCENARIO_NAMES: Readonly<Record<string, string>> = {
  image_url: 'image',
  seed: 'seed',
  resolution: 'generationResolution',
  texture_size: 'resolution',
  ss_guidance_strength: 'ssGuidanceStrength',
  ss_guidance_rescale: 'ssGuidanceRescale',
  ss_sampling_steps: 'ssSamplingSteps',
  shape_slat_guidance_strength: 'shapeSlatGuidanceStrength',
  shape_slat_guidance_rescale: 'shapeSlatGuidanceRescale',
  shape_slat_sampling_steps: 'shapeSlatSamplingSteps',
  shape_slat_rescale_t: 'shapeSlatRescaleT',
  tex_slat_guidance_strength: 'texSlatGuidanceStrength',
  tex_slat_guidance_rescale: 'texSlatGuidanceRescale',
  tex_slat_sampling_steps: 'texSlatSamplingSteps',
  tex_slat_rescale_t: 'texSlatRescaleT',
  mesh_scale: 'meshScale',
  max_num_tokens: 'maxNumTokens',
  decimation_target: 'decimationTarget',
  remesh: 'remesh',
};

/** Every parameter another value than its default, so that two names that were swapped show. */
const UNUSUAL: JsonObject = {
  seed: 11,
  resolution: 1536,
  texture_size: 4096,
  ss_guidance_strength: 6.1,
  ss_guidance_rescale: 0.11,
  ss_sampling_steps: 13,
  shape_slat_guidance_strength: 6.2,
  shape_slat_guidance_rescale: 0.12,
  shape_slat_sampling_steps: 14,
  shape_slat_rescale_t: 3.1,
  tex_slat_guidance_strength: 6.3,
  tex_slat_guidance_rescale: 0.13,
  tex_slat_sampling_steps: 15,
  tex_slat_rescale_t: 3.2,
  mesh_scale: 1.5,
  max_num_tokens: 50_000,
  decimation_target: 100_000,
  remesh: false,
};

describe('a Pixal3D call', () => {
  it.each([
    ['with defaults', {}],
    ['with nothing at its default', UNUSUAL],
  ])('%s means the same at every provider, and every parameter is sent', (_name, given) => {
    const fal = bodyFor('fal', given);
    expect(bodyFor('pixazo', given)).toEqual(fal);
    const { ss_rescale_t: fixed, ...rest } = fal;
    expect(fixed).toBe(5);
    const renamed = Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [SCENARIO_NAMES[name] ?? `no name for ${name}`, value]),
    );
    expect(bodyFor('scenario', given)).toEqual(renamed);
    const names = Object.keys(model.input.shape).filter((name) => name !== 'seed' || 'seed' in given);
    expect(Object.keys(fal).toSorted()).toEqual(names.toSorted());
  });

  it('that sets what Scenario cannot set is refused for Scenario alone', () => {
    const refusals = model.routes.map((route) => route.refuses?.(argsOf({ ss_rescale_t: 4 })));
    expect(refusals).toEqual([
      undefined,
      undefined,
      expect.stringMatching(/Scenario cannot set ss_rescale_t/),
    ]);
    expect(routeOver('scenario').refuses?.(argsOf({ ss_rescale_t: 5 }))).toBeUndefined();
  });

  it('has no invented price where none is published', () => {
    expect(routeOver('pixazo').prices.map(({ usd }) => usd)).toEqual([null]);
    expect(routeOver('scenario').prices.map(({ usd }) => usd)).toEqual([null]);
  });
});

describe('files that are listed without a word on which is which', () => {
  const roles = (...files: JsonObject[]): string[] =>
    listedOutput({ files }).files.map(({ role, name }) => `${role} ${name}`);
  const url = (name: string): string => `https://cdn.example.com/v1/${name}?Signature=x.png`;

  it.each<[string, JsonObject[], string[]]>([
    ['one of any kind', [{ url: url('output.glb'), media_type: 'model/glb' }], ['model output.glb']],
    ['an unknown one', [{ url: url('asset_1') }], ['model asset_1']],
    [
      'a preview first, by media type',
      [
        { url: url('a1'), media_type: 'image/webp' },
        { url: url('a2'), media_type: 'model/gltf-binary' },
      ],
      ['model a2', 'preview a1'],
    ],
    [
      'a preview first, by kind',
      [
        { url: url('a1'), kind: 'image', media_type: 'binary/octet-stream' },
        { url: url('a2'), kind: '3d' },
      ],
      ['model a2', 'preview a1'],
    ],
    [
      'a preview first, by the ending of the path',
      [{ url: url('p.png') }, { url: url('m.fbx') }],
      ['model m.fbx', 'preview p.png'],
    ],
    [
      'two models',
      [{ url: url('m.glb') }, { url: url('n.obj') }, { url: url('t.jpg') }],
      ['model m.glb', 'other n.obj', 'preview t.jpg'],
    ],
    [
      'an image that names itself a 3D preview',
      [{ url: url('p'), kind: '3d', media_type: 'image/png' }],
      ['preview p'],
    ],
    ['a name that is none', [{ url: 'https://cdn.example.com/..%2f..%2fetc' }], ['model model']],
    ['no URL at all', [{ url: null }, {}], []],
  ])('%s', (_name, files, expected) => {
    expect(roles(...files)).toEqual(expected);
  });

  it.each([null, {}, { files: 'none' }, []])('are none in %j', (body) => {
    expect(listedOutput(body).files).toEqual([]);
  });

  it('come with the notes of the provider', () => {
    expect(listedOutput({ files: [], notes: ['hosted'] }).report).toEqual({ notes: ['hosted'] });
  });
});
