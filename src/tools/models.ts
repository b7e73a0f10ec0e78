import { declared } from '../generated/models.js';
import type { Model } from '../jobs/model.js';

/** Every model, in the order of its file's name; a file in `models/` is all that a model needs. */
export function models(): readonly Model[] {
  return declared;
}

export function findModel(tool: string): Model | undefined {
  return declared.find((model) => model.tool === tool);
}
