import * as z from 'zod';
import { MeshwrightError } from '../errors.js';
import { isRecord } from '../json.js';
import { echo } from '../log.js';

/**
 * Arguments as agents really send them: `"1024"` for 1024, `"true"` for true, `null` for nothing, a list as JSON
 * text. They are brought to the schema's own types first; what still does not fit gets one sentence that says
 * what to send instead.
 *
 * @throws MeshwrightError `invalid_arguments` with the first argument at fault as `field`
 */
export function parseArguments<Schema extends z.ZodObject>(
  schema: Schema,
  given: unknown,
  tool: string,
): z.infer<Schema> {
  if (given !== undefined && !isRecord(given)) {
    throw new MeshwrightError('invalid_arguments', `${tool} takes an object of named arguments.`);
  }
  // Own properties only, so that an argument named `__proto__` is an argument and nothing else.
  const lenient: Record<string, unknown> = Object.fromEntries(
    Object.entries(given ?? {}).flatMap(([name, value]) => {
      const field: unknown = Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined;
      const coerced = field instanceof z.ZodType ? coerce(field, value) : value;
      return coerced === undefined ? [] : [[name, coerced]];
    }),
  );
  const parsed = safely(schema, lenient, tool);
  if (parsed.success) return parsed.data;
  throw refusal(parsed.error, schema, tool, new Set(Object.keys(lenient)));
}

/** The library measures whatever has a `length`, and an object that cannot be measured makes it throw. */
function safely<Schema extends z.ZodObject>(
  schema: Schema,
  value: unknown,
  tool: string,
): z.ZodSafeParseResult<z.infer<Schema>> {
  try {
    return schema.safeParse(value);
  } catch (cause) {
    const text = `The arguments of ${tool} cannot be read: an object stands where a text, a number or a list belongs.`;
    throw new MeshwrightError('invalid_arguments', text, { cause });
  }
}

function coerce(schema: z.ZodType, value: unknown): unknown {
  const { inner, optional } = unwrap(schema);
  if (value === null) return optional ? undefined : value;
  if (typeof value === 'string') {
    const text = value.trim();
    if (takesNumber(inner) && text !== '' && Number.isFinite(Number(text))) return Number(text);
    if (inner instanceof z.ZodBoolean && /^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
    if (inner instanceof z.ZodArray) {
      const list = text.startsWith('[') ? parseList(text) : undefined;
      return list ?? (unwrap(elementOf(inner)).inner instanceof z.ZodString ? [value] : value);
    }
  }
  if (typeof value === 'number' && inner instanceof z.ZodEnum) return String(value);
  if (inner instanceof z.ZodArray && Array.isArray(value))
    return value.map((item) => coerce(elementOf(inner), item));
  return value;
}

function unwrap(schema: z.ZodType): { inner: z.ZodType; optional: boolean } {
  let inner: unknown = schema;
  let optional = false;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodNullable) {
    optional = true;
    inner = inner.unwrap();
  }
  return { inner: inner instanceof z.ZodType ? inner : schema, optional };
}

function elementOf(array: z.ZodArray): z.ZodType {
  const element: unknown = array.element;
  return element instanceof z.ZodType ? element : z.unknown();
}

function takesNumber(schema: z.ZodType): boolean {
  if (schema instanceof z.ZodLiteral) return [...schema.values].every((value) => typeof value === 'number');
  return schema instanceof z.ZodNumber;
}

function parseList(text: string): unknown[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Of the names that a tool does not take so many are said back. */
const MAX_NAMES = 10;

function refusal(
  error: z.ZodError,
  schema: z.ZodObject,
  tool: string,
  sent: ReadonlySet<string>,
): MeshwrightError {
  const names = Object.keys(schema.shape).join(', ');
  const sentences = error.issues.slice(0, 5).map((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const unknown = issue.keys.slice(0, MAX_NAMES).map((key) => `\`${echo(key)}\``);
      return `${tool} has no argument ${unknown.join(', ')}; it takes: ${names}.`;
    }
    const field = issue.path.map(String).join('.');
    if (!sent.has(String(issue.path[0]))) {
      return `\`${field}\` is missing: ${describe(schema.shape[field])}.`;
    }
    return `\`${field}\` must be ${expected(issue, schema.shape[String(issue.path[0])])}.`;
  });
  const first = error.issues[0];
  const field = first?.code === 'unrecognized_keys' ? first.keys[0] : first?.path.map(String).join('.');
  return new MeshwrightError('invalid_arguments', sentences.join(' '), { field });
}

function describe(schema: unknown): string {
  if (!(schema instanceof z.ZodType)) return 'give it';
  const { inner } = unwrap(schema);
  const text = schema.description ?? inner.description;
  return text ? `give ${text.charAt(0).toLowerCase()}${text.slice(1)}` : 'give it';
}

function expected(issue: z.core.$ZodIssue, schema: unknown): string {
  if (issue.code === 'invalid_value')
    return `one of ${issue.values.map((value) => String(value)).join(', ')}`;
  if (schema instanceof z.ZodType) {
    const { inner } = unwrap(schema);
    if (inner instanceof z.ZodNumber) {
      const { minValue, maxValue } = inner;
      const range =
        minValue !== null && maxValue !== null && Number.isFinite(maxValue)
          ? ` from ${minValue} to ${maxValue}`
          : '';
      return `${inner.format === 'safeint' ? 'a whole number' : 'a number'}${range}`;
    }
    if (inner instanceof z.ZodBoolean) return 'true or false';
    if (inner instanceof z.ZodArray && issue.code === 'invalid_type') return 'a list';
  }
  if (issue.code === 'invalid_type') return `a ${issue.expected}`;
  if (issue.code === 'too_big') return `at most ${issue.maximum} long`;
  if (issue.code === 'too_small') return `at least ${issue.minimum} long`;
  return `different: ${issue.message}`;
}
