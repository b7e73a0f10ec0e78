import type { Field, Fields } from './fields.js';
import { anyInteger, choice, file, flag, integer, number } from './fields.js';

/**
 * The twelve endpoints, written by hand from the provider's model pages and from its OpenAPI documents of
 * 2026-06-11 where those state ranges that the pages do not.
 */
export interface Endpoint {
  /** As in `POST https://queue.fal.run/{id}`. */
  id: string;
  title: string;
  fields: Fields;
  /** A usual wait for a runner and a usual run, milliseconds. Only Tripo, TRELLIS and TripoSR have stated figures. */
  usual: { queueMs: number; runMs: number };
}

/** `guidance_strength`, `guidance_rescale`, `sampling_steps` and `rescale_t` of one sampling stage. */
function stage(prefix: string, strength: number, rescale: number, rescaleT: number): Record<string, Field> {
  return {
    [`${prefix}_guidance_strength`]: number(0, 10, strength),
    [`${prefix}_guidance_rescale`]: number(0, 1, rescale),
    [`${prefix}_sampling_steps`]: integer(1, 50, 12),
    [`${prefix}_rescale_t`]: number(1, 6, rescaleT),
  };
}

const pixal3d: Fields = {
  image_url: file('required'),
  seed: anyInteger,
  resolution: choice([1024, 1536], 1024),
  ...stage('ss', 7.5, 0.7, 5),
  ...stage('shape_slat', 7.5, 0.5, 3),
  ...stage('tex_slat', 1, 0, 3),
  mesh_scale: number(0.1, 4, 1),
  max_num_tokens: integer(4096, 131_072, 49_152),
  decimation_target: integer(5000, 2_000_000, 200_000),
  texture_size: choice([1024, 2048, 4096], 2048),
  remesh: flag(true),
};

const reconviagen: Fields = {
  image_urls: { kind: 'files', min: 1, max: 16, required: true },
  seed: anyInteger,
  resolution: choice([512, 1024, 1536], 1024),
  ss_source: choice(['direct', 'mesh', 'mvtrellis2'], 'mesh'),
  ...stage('ss', 7.5, 0.7, 5),
  ...stage('slat', 7.5, 0.5, 3),
  ...stage('shape_slat', 7.5, 0.5, 3),
  ...stage('tex_slat', 1, 0, 3),
  decimation_target: integer(5000, 2_000_000, 500_000),
  texture_size: choice([1024, 2048, 4096], 2048),
  multi_image_strategy: choice(
    [
      'average_right',
      'weighted_average',
      'sequential',
      'average',
      'adaptive_guidance_weight',
      'fixed_guidance_rescale',
    ],
    'adaptive_guidance_weight',
  ),
};

const TRIPO_STYLES = [
  'person:person2cartoon',
  'object:clay',
  'object:steampunk',
  'animal:venom',
  'object:barbie',
  'object:christmas',
  'gold',
  'ancient_bronze',
] as const;

const tripo: Fields = {
  seed: anyInteger,
  face_limit: anyInteger,
  // The page says true, the schema false; the schema is what the server runs.
  pbr: { kind: 'boolean', nullable: true, default: false },
  texture: choice(['no', 'standard', 'HD'], 'standard'),
  texture_seed: anyInteger,
  auto_size: flag(false),
  style: { kind: 'choice', of: TRIPO_STYLES, nullable: true },
  quad: flag(false),
  texture_alignment: choice(['original_image', 'geometry'], 'original_image'),
  orientation: choice(['default', 'align_image'], 'default'),
};

const hunyuan: Fields = {
  seed: anyInteger,
  num_inference_steps: integer(1, 50, 50),
  guidance_scale: number(0, 20, 7.5),
  octree_resolution: integer(1, 1024, 256),
  textured_mesh: flag(false),
};

const rodin: Fields = {
  prompt: { kind: 'text', max: 1024, default: '' },
  input_image_urls: { kind: 'files', nullable: true },
  condition_mode: choice(['fuse', 'concat'], 'concat'),
  seed: { kind: 'integer', min: 0, max: 65_535, nullable: true },
  geometry_file_format: choice(['glb', 'usdz', 'fbx', 'obj', 'stl'], 'glb'),
  material: choice(['PBR', 'Shaded'], 'PBR'),
  quality: choice(['high', 'medium', 'low', 'extra-low'], 'medium'),
  use_hyper: flag(false),
  tier: choice(['Regular', 'Sketch'], 'Regular'),
  TAPose: flag(false),
  bbox_condition: { kind: 'integers', nullable: true },
  // One word or null; the page's "default []" is not what the schema takes.
  addons: { kind: 'choice', of: ['HighPack'], nullable: true },
};

const trellis: Fields = {
  seed: anyInteger,
  ss_guidance_strength: number(0, 10, 7.5),
  ss_sampling_steps: integer(1, 50, 12),
  slat_guidance_strength: number(0, 10, 3),
  slat_sampling_steps: integer(1, 50, 12),
  mesh_simplify: number(0.9, 0.98, 0.95),
  texture_size: choice([512, 1024, 2048], 1024),
};

const triposr: Fields = {
  image_url: file('required'),
  output_format: choice(['glb', 'obj'], 'glb'),
  do_remove_background: flag(true),
  foreground_ratio: number(0.5, 1, 0.9),
  mc_resolution: integer(32, 1024, 256),
};

const LIST: readonly Endpoint[] = [
  { id: 'fal-ai/pixal3d', title: 'Pixal3d', fields: pixal3d, usual: { queueMs: 4000, runMs: 90_000 } },
  {
    id: 'fal-ai/reconviagen-0.5',
    title: 'ReconViaGen 0.5',
    fields: reconviagen,
    usual: { queueMs: 4000, runMs: 120_000 },
  },
  {
    id: 'tripo3d/tripo/v2.5/image-to-3d',
    title: 'Tripo v2.5 Image To 3D',
    fields: { image_url: file('required'), ...tripo },
    usual: { queueMs: 1000, runMs: 30_000 },
  },
  {
    id: 'tripo3d/tripo/v2.5/multiview-to-3d',
    title: 'Tripo v2.5 Multiview To 3D',
    fields: {
      front_image_url: file('required'),
      left_image_url: file('optional'),
      back_image_url: file('optional'),
      right_image_url: file('optional'),
      ...tripo,
    },
    usual: { queueMs: 1000, runMs: 40_000 },
  },
  {
    id: 'fal-ai/hunyuan3d-v21',
    title: 'Hunyuan3D 2.1',
    fields: { input_image_url: file('required'), ...hunyuan },
    usual: { queueMs: 3000, runMs: 70_000 },
  },
  {
    id: 'fal-ai/hunyuan3d/v2',
    title: 'Hunyuan3D 2.0',
    fields: { input_image_url: file('required'), ...hunyuan },
    usual: { queueMs: 3000, runMs: 60_000 },
  },
  {
    id: 'fal-ai/hunyuan3d/v2/turbo',
    title: 'Hunyuan3D 2.0 Turbo',
    fields: { input_image_url: file('required'), ...hunyuan },
    usual: { queueMs: 3000, runMs: 30_000 },
  },
  {
    id: 'fal-ai/hunyuan3d/v2/multi-view',
    title: 'Hunyuan3D 2.0 Multi-View',
    fields: {
      front_image_url: file('required'),
      back_image_url: file('required'),
      left_image_url: file('required'),
      ...hunyuan,
    },
    usual: { queueMs: 3000, runMs: 70_000 },
  },
  { id: 'fal-ai/hyper3d/rodin', title: 'Rodin', fields: rodin, usual: { queueMs: 2000, runMs: 75_000 } },
  {
    id: 'fal-ai/trellis',
    title: 'TRELLIS',
    fields: { image_url: file('required'), ...trellis },
    usual: { queueMs: 2000, runMs: 15_000 },
  },
  {
    id: 'fal-ai/trellis/multi',
    title: 'TRELLIS Multi',
    fields: {
      image_urls: { kind: 'files', required: true },
      ...trellis,
      multiimage_algo: choice(['stochastic', 'multidiffusion'], 'stochastic'),
    },
    usual: { queueMs: 2000, runMs: 20_000 },
  },
  { id: 'fal-ai/triposr', title: 'TripoSR', fields: triposr, usual: { queueMs: 500, runMs: 900 } },
];

export const ENDPOINTS: ReadonlyMap<string, Endpoint> = new Map(
  LIST.map((endpoint) => [endpoint.id, endpoint]),
);

/** `owner/alias`: the part of an endpoint id that the queue's own paths keep. */
export function aliasOf(endpointId: string): string {
  return endpointId.split('/').slice(0, 2).join('/');
}
