// Written by `npm run generate` from the files in src/tools/models. Do not edit.
import type { Model } from '../jobs/model.js';
import { model as model0 } from '../tools/models/local_image_to_3d.js';

export const declared: readonly Model[] = [model0];
