import type { Json, JsonObject } from '../common/json.js';

/** One input as `GET /models/{id}` lists it. */
export interface ModelInput {
  name: string;
  type: 'file' | 'file_array' | 'number' | 'boolean';
  required?: true;
  default?: number | boolean;
  min?: number;
  max?: number;
  allowedValues?: readonly number[];
  costImpact?: true;
}

export interface Model {
  id: string;
  name: string;
  inputs: readonly ModelInput[];
  /** Creative units of one run. No price is published: a rule of this emulator, in which every figure counts. */
  cost: (input: JsonObject) => { total: number; details: Record<string, number> };
}

const number = (name: string, byDefault: number, min: number, max: number): ModelInput => ({
  name,
  type: 'number',
  default: byDefault,
  min,
  max,
});

const steps = (name: string): ModelInput => ({ ...number(name, 36, 1, 50), costImpact: true });

const choice = (name: string, byDefault: number, allowedValues: readonly number[]): ModelInput => ({
  name,
  type: 'number',
  default: byDefault,
  allowedValues,
  costImpact: true,
});

/** Names and defaults as in the model's page, ranges as in the documents' parameter table. */
const PIXAL3D: Model = {
  id: 'model_pixal3d',
  name: 'Pixal3D',
  inputs: [
    { name: 'image', type: 'file', required: true },
    number('ssGuidanceStrength', 7.5, 0, 10),
    number('ssGuidanceRescale', 0.7, 0, 1),
    steps('ssSamplingSteps'),
    number('shapeSlatGuidanceStrength', 7.5, 0, 10),
    number('shapeSlatGuidanceRescale', 0.5, 0, 1),
    steps('shapeSlatSamplingSteps'),
    number('shapeSlatRescaleT', 3, 1, 6),
    number('texSlatGuidanceStrength', 1, 0, 10),
    number('texSlatGuidanceRescale', 0, 0, 1),
    steps('texSlatSamplingSteps'),
    number('texSlatRescaleT', 3, 1, 6),
    number('meshScale', 1, 0.1, 4),
    number('maxNumTokens', 49_152, 4096, 131_072),
    number('decimationTarget', 200_000, 5000, 2_000_000),
    choice('generationResolution', 1536, [1024, 1536]),
    choice('resolution', 4096, [1024, 2048, 4096]),
    { name: 'remesh', type: 'boolean', default: true },
    { name: 'seed', type: 'number' },
  ],
  cost(input) {
    const value = (name: string): number => {
      const given = input[name];
      return typeof given === 'number' ? given : 0;
    };
    // Different weights, so that two names swapped give another sum.
    const sampling =
      0.2 * value('ssSamplingSteps') +
      0.3 * value('shapeSlatSamplingSteps') +
      0.25 * value('texSlatSamplingSteps');
    const geometry = value('generationResolution') / 128;
    const texture = value('resolution') / 512;
    const round = (units: number): number => Math.round(units * 100) / 100;
    const details = { sampling: round(sampling), geometry: round(geometry), texture: round(texture) };
    return { total: round(10 + sampling + geometry + texture), details };
  },
};

/** Not a model of Scenario's: it has the list input that Pixal3D lacks. */
const LIST_MODEL: Model = {
  id: 'model_emulator-multiview',
  name: 'Emulator multiview',
  inputs: [
    { name: 'images', type: 'file_array' },
    { name: 'image', type: 'file' },
    { name: 'seed', type: 'number' },
  ],
  cost: (input) => ({
    total: 5 + (Array.isArray(input['images']) ? input['images'].length : 0),
    details: {},
  }),
};

export const MODELS: ReadonlyMap<string, Model> = new Map(
  [PIXAL3D, LIST_MODEL].map((model) => [model.id, model]),
);

export interface CheckedInput {
  /** Defaults filled in, what was dropped left out. */
  input: JsonObject;
  /** What is wrong, in one sentence. */
  problem: string | undefined;
  /** Accepted without a word, and without effect. */
  dropped: string[];
  unknown: string[];
}

/** @param knowsAsset whether an asset id may be used as an input */
export function checkModelInput(
  { inputs }: Model,
  body: JsonObject,
  knowsAsset: (id: string) => boolean,
): CheckedInput {
  const problems: string[] = [];
  const dropped: string[] = [];
  const input: JsonObject = {};
  for (const field of inputs) {
    const value = body[field.name];
    if (value === undefined || value === null) {
      if (field.required) problems.push(`Parameter "${field.name}" is required.`);
      else if (field.default !== undefined) input[field.name] = field.default;
    } else if (field.type === 'file_array' && !Array.isArray(value)) {
      dropped.push(field.name);
    } else {
      input[field.name] = value;
      const problem = problemOf(field, value, knowsAsset);
      if (problem !== undefined) problems.push(problem);
    }
  }
  const known = new Set([...inputs.map(({ name }) => name), 'dryRun']);
  const unknown = Object.keys(body).filter((name) => !known.has(name));
  return { input, problem: problems[0], dropped, unknown };
}

function problemOf(
  { name, type, min, max, allowedValues }: ModelInput,
  value: Json,
  knowsAsset: (id: string) => boolean,
): string | undefined {
  if (type === 'boolean')
    return typeof value === 'boolean' ? undefined : `Parameter "${name}" must be a boolean.`;
  if (type === 'number') {
    if (typeof value !== 'number') return `Parameter "${name}" must be a number.`;
    if (allowedValues && !allowedValues.includes(value))
      return `Parameter "${name}" must be one of: ${allowedValues.join(', ')}.`;
    if (min !== undefined && value < min) return `Parameter "${name}" must be at least ${min}.`;
    return max !== undefined && value > max ? `Parameter "${name}" must be at most ${max}.` : undefined;
  }
  const ids = Array.isArray(value) ? value : [value];
  const stranger = ids.find((id) => typeof id !== 'string' || !knowsAsset(id));
  if (stranger === undefined) return undefined;
  return typeof stranger === 'string'
    ? `Asset ${shortened(stranger)} not found.`
    : `Parameter "${name}" must be an asset id.`;
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** The reply of `GET /models/{id}`. */
export function modelBody({ id, name, inputs }: Model): JsonObject {
  return {
    model: {
      id,
      name,
      type: 'custom',
      privacy: 'public',
      capabilities: ['img23d'],
      status: 'trained',
      custom: true,
      accessRestrictions: 0,
      inputs: inputs.map(({ required, allowedValues, costImpact, ...rest }) => ({
        ...rest,
        label: rest.name,
        costImpact: costImpact ?? false,
        ...(rest.type === 'file' ? { kind: 'image' } : {}),
        ...(required ? { required: { always: true } } : {}),
        ...(allowedValues ? { allowedValues: [...allowedValues] } : {}),
      })),
    },
  };
}
