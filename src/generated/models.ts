// Written by `npm run generate` from the files in src/tools/models. Do not edit.
import type { Model } from '../jobs/model.js';
import { model as model0 } from '../tools/models/hunyuan3d_v2.js';
import { model as model1 } from '../tools/models/hunyuan3d_v21.js';
import { model as model2 } from '../tools/models/hunyuan3d_v2_multi_view.js';
import { model as model3 } from '../tools/models/hunyuan3d_v2_turbo.js';
import { model as model4 } from '../tools/models/local_image_to_3d.js';
import { model as model5 } from '../tools/models/pixal3d.js';
import { model as model6 } from '../tools/models/reconviagen.js';
import { model as model7 } from '../tools/models/rodin.js';
import { model as model8 } from '../tools/models/trellis.js';
import { model as model9 } from '../tools/models/trellis_multi.js';
import { model as model10 } from '../tools/models/tripo_image_to_3d.js';
import { model as model11 } from '../tools/models/tripo_multiview_to_3d.js';
import { model as model12 } from '../tools/models/triposr.js';

export const declared: readonly Model[] = [
  model0,
  model1,
  model2,
  model3,
  model4,
  model5,
  model6,
  model7,
  model8,
  model9,
  model10,
  model11,
  model12,
];
