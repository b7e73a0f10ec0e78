import { newId } from '../../../src/store/ids.js';
import type { Asset, Job } from '../../../src/store/types.js';

/** A job that was just written down. */
export function aJob(fields: Partial<Job> = {}): Job {
  const id = newId('job');
  return {
    id,
    principal: 'ada',
    tool: 'trellis',
    providerChoice: 'auto',
    provider: 'fal',
    model: 'fal-ai/trellis',
    digest: `digest of ${id}`,
    state: 'intent',
    args: { texture_size: 1024 },
    images: { image_url: { kind: 'url', url: 'https://example.com/chair.png' } },
    running: false,
    progress: 0,
    stage: 'waiting',
    cancelRequested: false,
    estimateUsd: 0.02,
    storeAttempts: 0,
    createdAt: 1_000,
    updatedAt: 1_000,
    dueAt: 1_000,
    ...fields,
  };
}

export function anAsset(fields: Partial<Asset> = {}): Asset {
  const id = newId('asset');
  return {
    id,
    principal: 'ada',
    role: 'model',
    format: 'glb',
    mimeType: 'model/gltf-binary',
    name: 'chair.glb',
    sizeBytes: 12,
    sha256: '00'.repeat(32),
    key: `${id}.glb`,
    createdAt: 1_000,
    ...fields,
  };
}
