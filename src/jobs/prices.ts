import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { MeshwrightError, messageOf } from '../errors.js';
import type { JsonObject } from '../json.js';
import type { Model, PriceRow, Route } from './model.js';
import { nearest } from '../nearest.js';

/** What jobs cost: the rows of the models, and those of the user's own file before them. */

/** The file of `MESHWRIGHT_PRICES`: a price per job for a provider's model, whatever the arguments. */
const fileSchema = z.strictObject({
  prices: z.array(
    z.strictObject({
      provider: z.enum(['fal', 'pixazo', 'scenario', 'local']),
      model: z.string().min(1),
      usd: z.number().min(0).nullable(),
      source: z.string().default('MESHWRIGHT_PRICES'),
      date: z
        .string()
        .regex(/^\d{4}-\d{2}-\d{2}$/)
        .default(() => new Date().toISOString().slice(0, 10)),
    }),
  ),
});

export class Prices {
  readonly #own: z.infer<typeof fileSchema>['prices'];

  /** @throws MeshwrightError see `readPrices` */
  constructor(file: string | undefined) {
    this.#own = readPrices(file);
  }

  /** A sentence for each row of the user's file that prices no model, with the name that was probably meant. */
  strangers(models: readonly Model[]): string[] {
    return this.#own.flatMap(({ provider, model: name }) => {
      const routes = models.flatMap(({ tool, routes: all }) =>
        all.filter((route) => route.provider === provider).map(({ endpoint }) => ({ tool, endpoint })),
      );
      if (routes.some(({ endpoint }) => endpoint === name)) return [];
      const near = nearest(name, routes, ({ tool, endpoint }) => [endpoint, tool]);
      return `MESHWRIGHT_PRICES has a price for "${name.slice(0, 120)}" of ${provider}, which is no model here, so it is not used${near ? `; the nearest is "${near.endpoint}"` : ''}.`;
    });
  }

  /** The rows of a route; the first whose condition holds is the price. */
  rows(route: Route): readonly PriceRow[] {
    const own = this.#own.filter(
      ({ provider, model }) => provider === route.provider && model === route.endpoint,
    );
    return own.length > 0 ? own.map(({ usd, source, date }) => ({ usd, source, date })) : route.prices;
  }

  /** The price of a call over one route in US dollars; `null` is unknown. */
  estimateUsd(route: Route, args: JsonObject): number | null {
    const rows = this.rows(route);
    const base = rows.find((row) => row.when?.(args) ?? true)?.usd ?? null;
    if (base === null) return null;
    const surcharges = rows === route.prices ? (route.surcharges ?? []) : [];
    const extra = surcharges.filter(({ when }) => when(args)).reduce((sum, { usd }) => sum + usd, 0);
    return Math.round((base + extra) * 10_000) / 10_000;
  }
}

/**
 * @param file path of the user's own prices
 * @throws MeshwrightError `configuration` when it cannot be read
 */
export function readPrices(file: string | undefined): z.infer<typeof fileSchema>['prices'] {
  if (file === undefined) return [];
  const expected = '{"prices": [{"provider": "fal", "model": "fal-ai/pixal3d", "usd": 0.42}]}';
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new MeshwrightError(
      'configuration',
      `MESHWRIGHT_PRICES names ${file}, which cannot be read as JSON (${messageOf(error)}); it looks like ${expected}.`,
    );
  }
  const parsed = fileSchema.safeParse(content);
  if (parsed.success) return parsed.data.prices;
  const at = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new MeshwrightError(
    'configuration',
    `MESHWRIGHT_PRICES names ${file}, which is wrong at "${at}"; it looks like ${expected}.`,
  );
}
