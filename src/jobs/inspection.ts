import * as z from 'zod';
import { isJsonObject, type JsonObject, snakeCase, snakeKeys } from '../json.js';

/** How an inspection looks from outside: snake_case as everywhere, lengths named with their unit, no nesting for what is asked most. */

const point = z.array(z.number());

export const inspectionSchema = z.looseObject({
  asset_id: z.string(),
  validation: z.looseObject({ valid: z.boolean(), errors: z.int(), warnings: z.int() }),
  vertices: z.int(),
  triangles: z.int(),
  watertight: z.boolean(),
  parts: z.int(),
  size_meters: point.nullable(),
  bounds_meters: z.looseObject({ min: point, max: point }).nullable(),
  warnings: z.array(z.looseObject({ code: z.string(), message: z.string(), fix: z.string() })),
});

const RENAMED: Readonly<Record<string, string>> = {
  size: 'size_meters',
  bounds: 'bounds_meters',
  volume: 'volume_cubic_meters',
};

export function viewInspection(assetId: string, inspection: JsonObject): JsonObject {
  const { surface, attributes, ...rest } = inspection;
  return {
    asset_id: assetId,
    ...renamed(rest),
    ...(isJsonObject(surface) ? renamed(surface) : {}),
    ...(isJsonObject(attributes) ? renamed(attributes) : {}),
  };
}

function renamed(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [RENAMED[key] ?? snakeCase(key), snakeKeys(value)]),
  );
}
