import type { FixtureKind } from '../common/fixtures/named.js';
import { fixtureOf } from '../common/fixtures/named.js';
import type { Json, JsonObject } from '../common/json.js';
import type { JobPlan } from './plan.js';

/** A file that a model made. `shape` is how its endpoint's page describes files. */
interface OutputFile {
  content: FixtureKind;
  fileName: string;
  contentType: string;
  shape: 'url' | 'sized' | 'named' | 'image';
}

/** Puts a file on the CDN and returns its URL. */
export type PutFile = (fileName: string, bytes: Buffer, contentType: string) => string;

/** The output of one finished job, its files stored. */
export function makeOutput(
  endpointId: string,
  input: JsonObject,
  seed: number,
  plan: JobPlan,
  put: PutFile,
): JsonObject {
  const make = OUTPUTS[endpointId];
  const fields = make ? make(input, seed) : {};
  const output: JsonObject = {};
  for (const [name, value] of Object.entries(fields)) {
    if (isFileList(value)) output[name] = value.map((file) => describe(file, plan, put));
    else output[name] = isFile(value) ? describe(value, plan, put) : value;
  }
  Object.assign(output, plan.output);
  for (const name of plan.omitOutput ?? []) delete output[name];
  const missing = (plan.resultBytes ?? 0) - JSON.stringify(output).length;
  return missing > 0 ? { ...output, debug: 'x'.repeat(missing) } : output;
}

type OutputFields = Record<string, OutputFile | OutputFile[] | Json>;

function isFile(value: OutputFile | OutputFile[] | Json): value is OutputFile {
  return typeof value === 'object' && value !== null && 'shape' in value;
}

function isFileList(value: OutputFile | OutputFile[] | Json): value is OutputFile[] {
  return Array.isArray(value) && value.every((item) => isFile(item));
}

function describe(file: OutputFile, plan: JobPlan, put: PutFile): JsonObject {
  const bytes = fixtureOf(file.content, file.content.startsWith('glb') ? plan.modelBytes : undefined);
  const url = plan.files === 'empty-url' ? '' : put(file.fileName, bytes, file.contentType);
  if (plan.files === 'placeholder') {
    return { url, content_type: 'image/png', file_name: 'z9RV14K95DvU.png', file_size: bytes.length };
  }
  if (plan.files === 'url-only' || file.shape === 'url') return { url };
  const sized = { file_size: bytes.length, content_type: file.contentType, url };
  if (file.shape === 'sized') return sized;
  const named = { ...sized, file_name: file.fileName };
  return file.shape === 'named' ? named : { ...named, width: 16, height: 16 };
}

const OCTETS = 'application/octet-stream';

const glb = (content: FixtureKind, fileName: string, shape: OutputFile['shape'] = 'named'): OutputFile => ({
  content,
  fileName,
  contentType: OCTETS,
  shape,
});

const cascade =
  (fileName: string) =>
  (_input: JsonObject, seed: number): OutputFields => ({ model_glb: glb('glb-pbr', fileName, 'url'), seed });

function tripo(input: JsonObject): OutputFields {
  const pbr = input['pbr'] === true;
  const white = input['texture'] === 'no' && !pbr;
  // Quad meshes come as FBX, whatever is written under the model's name.
  const model = (content: FixtureKind, name: string): OutputFile =>
    input['quad'] === true
      ? { content: 'fbx', fileName: `${name}.fbx`, contentType: OCTETS, shape: 'sized' }
      : glb(content, `${name}.glb`, 'sized');
  return {
    task_id: '812c3a8a-6eb3-4c09-9f40-0563d27ae7ea',
    // Every file is optional and may be null; which one holds the model depends on what was asked for.
    model_mesh: white ? null : model(pbr ? 'glb-pbr' : 'glb', 'tripo_model'),
    base_model: white ? model('glb-white', 'tripo_base_model') : null,
    pbr_model: pbr ? model('glb-pbr', 'tripo_pbr_model') : null,
    rendered_image: { content: 'webp', fileName: 'legacy.webp', contentType: 'image/webp', shape: 'sized' },
  };
}

function hunyuan(input: JsonObject, seed: number): OutputFields {
  const textured = input['textured_mesh'] === true;
  return {
    model_mesh: glb(textured ? 'glb' : 'glb-white', textured ? 'textured_mesh.glb' : 'white_mesh.glb'),
    seed,
  };
}

function hunyuanV21(input: JsonObject, seed: number): OutputFields {
  const textured = input['textured_mesh'] === true;
  return {
    model_glb: glb(textured ? 'glb' : 'glb-white', textured ? 'textured_mesh.glb' : 'white_mesh.glb'),
    ...(textured ? { model_glb_pbr: glb('glb-pbr', 'textured_mesh_pbr.glb') } : {}),
    // The field that holds the model elsewhere holds an archive here.
    model_mesh: {
      content: 'obj-zip',
      fileName: 'hunyuan3d.zip',
      contentType: 'application/zip',
      shape: 'named',
    },
    seed,
  };
}

const RODIN_TYPES = {
  glb: ['model/gltf-binary', 'glb-pbr'],
  usdz: ['model/vnd.usdz+zip', 'usdz'],
  fbx: [OCTETS, 'fbx'],
  obj: ['text/plain', 'obj'],
  stl: ['model/stl', 'stl'],
} as const;

function rodin(input: JsonObject, seed: number): OutputFields {
  const format = Object.keys(RODIN_TYPES).find((name) => name === input['geometry_file_format']) ?? 'glb';
  const [contentType, content] = RODIN_TYPES[isRodinFormat(format) ? format : 'glb'];
  const pbr = input['material'] !== 'Shaded';
  const texture = (fileName: string): OutputFile => ({
    content: 'png',
    fileName,
    contentType: 'image/png',
    shape: 'image',
  });
  return {
    model_mesh: {
      content,
      fileName: `base_basic_${pbr ? 'pbr' : 'shaded'}.${format}`,
      contentType,
      shape: 'named',
    },
    seed,
    textures: pbr
      ? ['texture_diffuse.png', 'texture_metallic.png', 'texture_normal.png', 'texture_roughness.png'].map(
          texture,
        )
      : [texture('texture_shaded.png')],
  };
}

function isRodinFormat(name: string): name is keyof typeof RODIN_TYPES {
  return name in RODIN_TYPES;
}

const trellis = (): OutputFields => ({
  model_mesh: glb('glb', 'trellis.glb'),
  timings: { prepare: 1.2, generation: 9.8, export: 3.1 },
});

function triposr(input: JsonObject): OutputFields {
  const obj = input['output_format'] === 'obj';
  return {
    model_mesh: obj
      ? { content: 'obj', fileName: 'mesh.obj', contentType: 'text/plain', shape: 'named' }
      : glb('glb', 'mesh.glb'),
    timings: { run_model: 0.21, extract_mesh: 0.34, export: 0.05 },
    ...(obj
      ? {
          remeshing_dir: {
            content: 'texture-zip' as const,
            fileName: 'remeshing_dir.zip',
            contentType: 'application/zip',
            shape: 'named' as const,
          },
        }
      : {}),
  };
}

const OUTPUTS: Readonly<Record<string, (input: JsonObject, seed: number) => OutputFields>> = {
  'fal-ai/pixal3d': cascade('trellis2_68d6300f70f34d23b69a912b5fe60487.glb'),
  'fal-ai/reconviagen-0.5': cascade('reconviagen_6a9848519c2d43a69dcce8c00a8803b2.glb'),
  'tripo3d/tripo/v2.5/image-to-3d': tripo,
  'tripo3d/tripo/v2.5/multiview-to-3d': tripo,
  'fal-ai/hunyuan3d-v21': hunyuanV21,
  'fal-ai/hunyuan3d/v2': hunyuan,
  'fal-ai/hunyuan3d/v2/turbo': hunyuan,
  'fal-ai/hunyuan3d/v2/multi-view': hunyuan,
  'fal-ai/hyper3d/rodin': rodin,
  'fal-ai/trellis': trellis,
  'fal-ai/trellis/multi': trellis,
  'fal-ai/triposr': triposr,
};
