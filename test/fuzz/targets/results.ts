import { safeName } from '../../../src/jobs/paths.js';
import { jobSchema, viewJob } from '../../../src/jobs/view.js';
import { toJson } from '../../../src/json.js';
import type { Job } from '../../../src/store/types.js';
import { models } from '../../../src/tools/models.js';
import { mutateJson } from '../mutate-json.js';
import { hold, json, type Target, text, toJsonValue } from '../target.js';

const file = {
  url: 'https://v3.fal.media/files/a/model.glb',
  file_name: 'model.glb',
  file_size: 100,
  content_type: 'model/gltf-binary',
};

export const target: Target = {
  about: 'results of every model at every provider, until they are shown',
  guides: ['/src/tools/', '/src/json', '/src/jobs/view', '/src/jobs/paths'],
  seeds: () => [
    json({ model_glb: file, model_mesh: { url: 'https://v3.fal.media/x.zip' }, seed: 7 }),
    json({
      model_mesh: file,
      pbr_model: null,
      base_model: { url: '' },
      rendered_image: { url: 'https://x/a.webp' },
      task_id: 't',
    }),
    json({ model_mesh: file, textures: [{ url: 'https://x/t.png' }], seed: 1.5, timings: {} }),
    json({
      files: [
        { url: 'https://cdn.example/a.glb', media_type: 'model/glb', kind: '3d' },
        { url: 'https://cdn.example/a.png' },
      ],
      notes: ['n'],
    }),
    json({ model_urls: { glb: file }, model_glb_pbr: file }),
    text('{"model_glb":{"url":"https://x/a.glb","file_size":1e999}}'),
    text(`{"model_glb":${'['.repeat(20_000)}${']'.repeat(20_000)}}`),
    json({ files: [{ url: '' }] }),
    json([]),
    json('https://x/a.glb'),
  ],
  mutate: mutateJson,
  tokens: [
    'model_glb',
    'model_mesh',
    'pbr_model',
    'base_model',
    'rendered_image',
    'textures',
    'files',
    'url',
    'file_name',
    'file_size',
    'media_type',
    'kind',
    'notes',
    'seed',
    'remeshing_dir',
    'model_glb_pbr',
    'preview_image',
    '../../etc/passwd',
    'con',
    'a\0b',
  ],
  run: (bytes) => {
    const body = toJson(toJsonValue(bytes) ?? null);
    for (const model of models()) {
      for (const route of model.routes) {
        const { files, seed, report } = route.output(body, []);
        hold(files.filter(({ role }) => role === 'model').length <= 1, `${model.tool}: more than one model`);
        for (const { name, source } of files) {
          hold(
            !('sizeBytes' in source) || Number.isSafeInteger(source.sizeBytes),
            `a file of ${JSON.stringify(source)}`,
          );
          hold('url' in source && source.url !== '', `${model.tool}: a file from nowhere`);
          const safe = safeName(name);
          hold(
            safe !== '' && safe.length <= 120 && !/[/\\\0]|^\.+$/.test(safe),
            `the name ${JSON.stringify(safe)}`,
          );
        }
        const job: Job = {
          ...JOB,
          tool: model.tool,
          ...(seed === undefined ? {} : { seed }),
          ...(report === undefined ? {} : { report }),
        };
        jobSchema.parse(viewJob(job, [], { locate: () => ({}), now: 2000 }));
      }
    }
  },
};

const JOB: Job = {
  id: 'job_00000000000000000000000000',
  principal: 'local',
  tool: 'pixal3d',
  providerChoice: 'auto',
  provider: 'fal',
  model: 'fal-ai/pixal3d',
  digest: 'd',
  state: 'succeeded',
  args: {},
  images: {},
  running: true,
  progress: 1,
  stage: 'done',
  cancelRequested: false,
  estimateUsd: 0.3,
  storeAttempts: 0,
  createdAt: 1000,
  updatedAt: 1000,
  finishedAt: 1500,
  dueAt: 1000,
};
