import type { Clock } from '../common/clock.js';
import type { Exchange, Reply } from '../common/exchange.js';
import { jsonReply } from '../common/exchange.js';
import { fixtureOf } from '../common/fixtures/named.js';
import type { Identifiers } from '../common/identifiers.js';
import type { JsonObject } from '../common/json.js';
import { canonicalJson, isJsonObject, parseJson, sha256 } from '../common/json.js';
import type { Ledger } from '../common/ledger.js';
import type { Runs } from '../common/runs.js';
import { phases } from '../common/runs.js';
import type { Answers } from './answers.js';
import type { Assets } from './assets.js';
import { newId } from './assets.js';
import type { Job } from './job.js';
import { jobBody } from './job.js';
import { checkModelInput, MODELS } from './models.js';
import type { JobPlan, ParsedScenarioAction } from './plan.js';
import type { Settings } from './settings.js';

export interface GenerateParts {
  settings: Settings;
  clock: Clock;
  ids: Identifiers;
  ledger: Ledger;
  answers: Answers;
  assets: Assets;
  runs: Runs<Job>;
}

const USUAL = { queueMs: 4000, runMs: 150_000 };

/** `POST /generate/custom/{modelId}`: a paid job, or with `?dryRun=true` its price. */
export function generate(
  parts: GenerateParts,
  exchange: Exchange,
  actions: readonly ParsedScenarioAction[],
): Reply {
  const { settings, answers, assets, runs } = parts;
  const modelId = exchange.endpoint ?? '';
  const refusal = actions.find((action) => action.type === 'refusal');
  if (refusal) return answers.refusal(refusal.kind, modelId);
  const model = MODELS.get(modelId);
  if (!model) return answers.reason(404, `Model ${modelId} not found.`);
  if (settings.requiredPlan !== undefined) return answers.plan(modelId);
  const body = parseJson(exchange.body.toString('utf8'));
  if (!isJsonObject(body)) return answers.reason(400, 'The body is not a JSON object.');
  const { input, problem, dropped, unknown } = checkModelInput(
    model,
    body,
    (id) => assets.get(id)?.kind === 'image',
  );
  for (const name of dropped) exchange.entry.warnings.push(`dropped ${name}: not a list`);
  for (const name of unknown) exchange.entry.warnings.push(`unknown field ${name}`);
  const [stranger] = settings.unknownFields === 'refused' ? unknown : [];
  if (problem !== undefined) return answers.reason(400, problem);
  if (stranger !== undefined) return answers.reason(400, `Unknown parameter "${stranger}".`);

  const { total, details } = model.cost(input);
  if (exchange.op === 'dry-run') return preview(settings, total, details);
  // Ignored where it stands: the job that follows is paid for.
  if ('dryRun' in body) exchange.entry.warnings.push('dryRun in the body is ignored');
  const active = runs.all().filter(({ state }) => state !== 'done').length;
  if (active >= (settings.concurrency ?? Infinity)) return answers.limit();
  const job = accept(parts, modelId, body, planOf(actions), total);
  exchange.entry.requestId = job.id;
  return jsonReply(200, {
    job: jobBody(job, parts.clock.now()),
    creativeUnitsCost: job.units,
    creativeUnitsDiscount: 0,
  });
}

function preview(
  { dryRunStatus, ipDetectionUnits }: Settings,
  creativeUnitsCost: number,
  costDetails: Record<string, number>,
): Reply {
  const ipDetection = {
    creativeUnitsCharged: ipDetectionUnits,
    action: 'allowed',
    evaluatedFilters: 1,
    findings: [],
    flagged: false,
  };
  return jsonReply(dryRunStatus, {
    creativeUnitsCost,
    creativeUnitsDiscount: 0,
    costDetails,
    ...(ipDetectionUnits > 0 ? { ipDetection } : {}),
  });
}

function planOf(actions: readonly ParsedScenarioAction[]): JobPlan {
  const plan: JobPlan = {};
  for (const action of actions) {
    const { type, ...rest } = action;
    if (type === 'job') Object.assign(plan, rest);
  }
  return plan;
}

function accept(
  { settings, clock, ids, ledger, runs }: GenerateParts,
  modelId: string,
  body: JsonObject,
  plan: JobPlan,
  cost: number,
): Job {
  const { queueMs, runMs } = phases(plan, settings, USUAL);
  const failure = failureOf(plan);
  const units = plan.units ?? cost;
  const id = newId('job', ids);
  const now = clock.now();
  const job: Job = {
    id,
    modelId,
    body,
    plan,
    units,
    failure,
    assetIds: [],
    seed: typeof body['seed'] === 'number' ? body['seed'] : ids.integer(2 ** 31),
    // Units go at submission, and come back when the job fails.
    ledger: ledger.add({
      requestId: id,
      endpoint: modelId,
      inputHash: sha256(canonicalJson(body)),
      acceptedAt: now,
      state: 'billed',
      units,
      unit: 'creative units',
      usd: units * settings.unitUsd,
      note: 'charged at submission',
    }),
    createdAt: now,
    queueMs,
    runMs:
      runMs * (failure ? (plan.failAt ?? 1) : 1) +
      (settings.jitterMs > 0 ? ids.integer(settings.jitterMs) : 0),
    state: 'waiting',
  };
  runs.add(job);
  clock.settle();
  return job;
}

function failureOf({ failure }: JobPlan): Job['failure'] {
  if (failure === undefined) return undefined;
  if (failure === 'text')
    return { status: 'failure', error: 'The generation failed: no mesh was found.', refunded: true };
  if (failure === 'object') {
    const error = { code: 'GenerationFailed', message: 'No mesh was found.', hint: 'Try another image.' };
    return { status: 'failure', error, refunded: true };
  }
  return { status: failure.status ?? 'failure', error: failure.error, refunded: failure.refunded ?? true };
}

/** The end of a job: its assets, or its refund. */
export function settleJob({ assets, settings }: GenerateParts, job: Job): void {
  const { plan, failure, ledger } = job;
  if (failure) {
    if (failure.refunded)
      Object.assign(ledger, { state: 'free', units: 0, usd: 0, note: `${failure.status}, refunded` });
    else ledger.note = `${failure.status}, charged all the same`;
    return;
  }
  ledger.note = 'success';
  const metadata = { modelId: job.modelId, ...seedOf(job, settings) };
  for (const output of OUTPUTS[plan.outputs ?? 'model']) {
    const [bytes, file] =
      output === 'preview'
        ? [fixtureOf('webp'), PREVIEW]
        : [fixtureOf(plan.content ?? 'glb-pbr', plan.modelBytes), MODEL];
    const mimeType = output === 'model' && plan.mimeType !== undefined ? plan.mimeType : file.mimeType;
    job.assetIds.push(assets.add(bytes, { ...file, mimeType, type: 'img23d', metadata }).id);
  }
}

function seedOf({ seed }: Job, { seedShape }: Settings): JsonObject {
  return seedShape === 'missing' ? {} : { seed: seedShape === 'text' ? String(seed) : seed };
}

const PREVIEW = { name: 'preview.webp', mimeType: 'image/webp', kind: 'image' } as const;
const MODEL = { name: 'pixal3d.glb', mimeType: 'model/gltf-binary', kind: '3d' } as const;

const OUTPUTS = {
  model: ['model'],
  none: [],
  'preview-first': ['preview', 'model'],
  'preview-last': ['model', 'preview'],
  'preview-only': ['preview'],
} as const;
