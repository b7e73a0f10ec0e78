import * as z from 'zod';
import { MeshwrightError } from '../errors.js';
import { imageFields, type Model } from '../jobs/model.js';
import { compact } from '../jobs/view.js';
import { models } from './models.js';
import { defineTool, jsonObject, type Tool, type ToolContext } from './tool.js';

const priceSchema = z.object({
  usd: z.number().nullable(),
  condition: z.string().optional(),
  source: z.string(),
  date: z.string(),
});

const modelSchema = z.object({
  tool: z.string(),
  title: z.string(),
  available: z.boolean(),
  images: z.array(z.string()),
  outputs: z.array(z.string()),
  licence: z.string(),
  typical_seconds: z.number().nullable(),
  routes: z.array(
    z.object({
      provider: z.string(),
      model: z.string(),
      has_key: z.boolean(),
      prices: z.array(priceSchema),
      surcharges: z.array(z.object({ usd: z.number(), condition: z.string() })).optional(),
    }),
  ),
  description: z.string().optional(),
});

export const catalogueSchema = z.object({ models: z.array(modelSchema), next: z.string() });

/** The catalogue as this principal's keys have it; also the resource `meshwright://models`. */
export async function catalogue(
  jobs: Pick<ToolContext['jobs'], 'prices' | 'providers' | 'typicalSeconds'>,
  principal: string,
  only?: readonly Model[],
): Promise<z.infer<typeof catalogueSchema>> {
  const keys = jobs.providers(principal);
  const shown = only ?? models();
  const seconds = await Promise.all(shown.map((model) => jobs.typicalSeconds(model)));
  const rows = shown.map((model, i) =>
    compact({
      tool: model.tool,
      title: model.title,
      available: model.routes.some(({ provider }) => keys.has(provider)),
      images: imageFields(model),
      outputs: [...model.outputs],
      licence: model.licence,
      typical_seconds: seconds[i] ?? null,
      routes: model.routes.map((route) =>
        compact({
          provider: route.provider,
          model: route.endpoint,
          has_key: keys.has(route.provider),
          prices: jobs.prices
            .rows(route)
            .map(({ usd, condition, source, date }) => compact({ usd, condition, source, date })),
          surcharges: route.surcharges?.map(({ usd, condition }) => ({ usd, condition })),
        }),
      ),
      description: only ? model.description : undefined,
    }),
  );
  return {
    models: rows,
    next: 'Call the tool of a model that is available; list_models {"tool": …} tells more about one.',
  };
}

export const tool: Tool = defineTool({
  name: 'list_models',
  title: 'List models',
  group: 'jobs',
  effect: 'reads',
  description: 'All models with inputs, outputs, price, typical duration and licence. Free; call it first.',
  input: z.strictObject({ tool: z.string().describe('One model in detail').optional() }),
  output: catalogueSchema,
  run: async ({ tool: name }, context) => {
    const all = models();
    const chosen = name === undefined ? undefined : all.filter((model) => model.tool === name);
    if (chosen?.length === 0) {
      throw new MeshwrightError(
        'not_found',
        `There is no model tool ${String(name).slice(0, 80)}; there are ${all.map((model) => model.tool).join(', ')}.`,
        { field: 'tool' },
      );
    }
    return { structured: jsonObject(await catalogue(context.jobs, context.principal, chosen)) };
  },
});
