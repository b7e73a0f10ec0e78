import * as z from 'zod';
import type { ProviderId } from '../config.js';
import type { Json, JsonObject } from '../json.js';
import type { AssetRole } from '../store/types.js';

/**
 * A model is data: what the agent sends, what each provider gets, what comes back and what it costs. Files in
 * `tools/models` declare models with these words; everything else derives from the declaration.
 */

export interface ModelImages {
  /** What the provider's `upload` answered, or a public URL. */
  [field: string]: string | string[];
}

export interface OutputFile {
  role: AssetRole;
  /** Base name for people, without folder; the extension is corrected by the bytes. */
  name: string;
  source: { url: string; sizeBytes?: number | undefined } | { bytes: Uint8Array };
}

export interface Output {
  files: OutputFile[];
  seed?: number | undefined;
  /** Facts for the caller, shown as they are. */
  report?: JsonObject | undefined;
}

export interface PriceRow {
  /** US dollars per job; `null` is unknown. */
  usd: number | null;
  /** The row counts when this holds; a row without it always does. First match wins. */
  when?: (args: JsonObject) => boolean;
  /** When the row holds, in words, for the catalogue. */
  condition?: string;
  /** Where the price was read, and when (YYYY-MM-DD). */
  source: string;
  date: string;
}

/** What is added to the price when it holds. */
export interface Surcharge {
  usd: number;
  when: (args: JsonObject) => boolean;
  condition: string;
}

export interface Route {
  provider: ProviderId;
  /** The provider's name of the model. */
  endpoint: string;
  request: (args: JsonObject, images: ModelImages) => JsonObject;
  /** @param files what the provider handed over in memory, for `local` */
  output: (body: Json, files: readonly Uint8Array[]) => Output;
  prices: readonly PriceRow[];
  surcharges?: readonly Surcharge[];
  /** Says why this provider cannot do what was asked, if it cannot. */
  refuses?: (args: JsonObject) => string | undefined;
}

export interface Model {
  /** Name of the tool and of the file that declares it. */
  tool: string;
  title: string;
  /** Text for the agent. */
  description: string;
  /** Arguments, without those that every model tool takes. */
  input: z.ZodObject;
  /** Rules between fields, checked before anything is spent: says what to send instead. */
  check?: (args: JsonObject, given: ReadonlySet<string>) => { field: string; message: string } | undefined;
  /** In the order in which `auto` tries them. */
  routes: readonly [Route, ...Route[]];
  licence: string;
  /** Typical duration of a job in seconds, before any was measured here. */
  typicalSeconds?: number;
  /** Formats that may come out, the default first. */
  outputs: readonly [string, ...string[]];
}

/** The description's mark of a schema that takes an image. */
const imageSchemas = new WeakSet<z.ZodType>();

/** One image argument. The forms it takes are told once, in the server's instructions. */
export function image(description: string): z.ZodString {
  const schema = z.string().min(1).describe(description);
  imageSchemas.add(schema);
  return schema;
}

/** The description's mark of an image that shows no object. */
const maskSchemas = new WeakSet<z.ZodType>();

/** An image argument that says where the object is in another image. */
export function maskImage(description: string): z.ZodString {
  const schema = image(description);
  maskSchemas.add(schema);
  return schema;
}

/** Argument names that take an image or a list of images. */
export function imageFields(model: Model): string[] {
  return Object.entries(model.input.shape)
    .filter(([, schema]) => isImage(schema))
    .map(([field]) => field);
}

/** How many images of the object a model takes, in words: `1`, `1 to 16`. */
export function imageRange(model: Model): string {
  const { least, most } = imageCount(model);
  return least === most ? String(most) : `${least} to ${most}`;
}

/** The least and the most images of the object that a model takes; a mask is none. */
export function imageCount(model: Model): { least: number; most: number } {
  const count = { least: 0, most: 0 };
  for (const field of imageFields(model)) {
    const schema: unknown = model.input.shape[field];
    const optional = schema instanceof z.ZodOptional;
    const inner: unknown = optional ? schema.unwrap() : schema;
    if (inner instanceof z.ZodType && maskSchemas.has(inner)) continue;
    const list = inner instanceof z.ZodArray ? z.toJSONSchema(inner) : undefined;
    count.least += optional ? 0 : (list?.minItems ?? 1);
    count.most += list?.maxItems ?? 1;
  }
  return count;
}

function isImage(schema: unknown): boolean {
  if (!(schema instanceof z.ZodType)) return false;
  if (imageSchemas.has(schema)) return true;
  if (schema instanceof z.ZodArray) return isImage(schema.element);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return isImage(schema.unwrap());
  }
  return false;
}
