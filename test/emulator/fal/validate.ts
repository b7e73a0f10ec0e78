import type { Json, JsonObject } from '../common/json.js';
import { isJsonObject } from '../common/json.js';
import type { Field, Fields } from './fields.js';

/** One entry of `detail`, as fal and pydantic write it. */
export interface FieldError {
  loc: (string | number)[];
  msg: string;
  type: string;
  url: string;
  ctx?: JsonObject;
  input?: Json;
}

export type Coercion =
  /** Numbers are JSON numbers: whether the real server takes "1024" is not known. */
  | 'strict'
  /** As pydantic does by default: numeric texts count as numbers. */
  | 'lenient';

export interface Checked {
  errors: FieldError[];
  /** The input after coercion, defaults filled in, nulls of nullable fields left out. */
  input: JsonObject;
  /** Accepted without a word, and without effect. */
  unknown: string[];
}

/** Checks a request body against an endpoint's fields. */
export function checkInput(fields: Fields, body: Json, coercion: Coercion): Checked {
  if (!isJsonObject(body)) {
    const error = fieldError([], 'Input should be a valid dictionary', 'model_attributes_type', body);
    return { errors: [error], input: {}, unknown: [] };
  }
  const errors: FieldError[] = [];
  const input: JsonObject = {};
  for (const [name, field] of Object.entries(fields)) {
    const given = body[name];
    if (given === undefined) {
      if (field.required) errors.push(fieldError([name], 'Field required', 'missing', body));
      else if (field.default !== undefined) input[name] = field.default;
    } else if (given !== null || !field.nullable) {
      const value = coercion === 'lenient' ? coerce(field, given) : given;
      const found = problems(field, value).map(({ at = [], msg, type, ctx }) =>
        fieldError([name, ...at], msg, type, valueAt(given, at), ctx),
      );
      errors.push(...found);
      input[name] = value;
    }
  }
  return { errors, input, unknown: Object.keys(body).filter((name) => !(name in fields)) };
}

export function fieldError(
  at: (string | number)[],
  msg: string,
  type: string,
  input?: Json,
  ctx?: JsonObject,
): FieldError {
  return {
    loc: ['body', ...at],
    msg,
    type,
    url: `https://docs.fal.ai/errors/#${type}`,
    ...(ctx ? { ctx } : {}),
    ...(input === undefined ? {} : { input }),
  };
}

interface Problem {
  at?: number[];
  msg: string;
  type: string;
  ctx?: JsonObject;
}

function problems(field: Field, value: Json): Problem[] {
  switch (field.kind) {
    case 'file':
    case 'text':
      return textProblems(value, field.kind === 'text' ? field.max : undefined);
    case 'files':
      return listProblems(value, field, (item) => textProblems(item, undefined));
    case 'integers':
      return listProblems(value, {}, integerProblems);
    case 'integer':
      return either(integerProblems(value), () => rangeProblems(value, field.min, field.max));
    case 'number':
      return either(numberProblems(value), () => rangeProblems(value, field.min, field.max));
    case 'boolean':
      return typeof value === 'boolean'
        ? []
        : [{ msg: 'Input should be a valid boolean', type: 'bool_type' }];
    default: {
      const known = field.of.some((option) => option === value);
      const expected = spokenList(
        field.of.map((option) => (typeof option === 'string' ? `'${option}'` : `${option}`)),
      );
      return known ? [] : [{ msg: `Input should be ${expected}`, type: 'literal_error', ctx: { expected } }];
    }
  }
}

function either(first: Problem[], second: () => Problem[]): Problem[] {
  return first.length > 0 ? first : second();
}

function textProblems(value: Json, max: number | undefined): Problem[] {
  if (typeof value !== 'string') return [{ msg: 'Input should be a valid string', type: 'string_type' }];
  if (max === undefined || value.length <= max) return [];
  const msg = `String should have at most ${max} characters`;
  return [{ msg, type: 'string_too_long', ctx: { max_length: max } }];
}

function integerProblems(value: Json): Problem[] {
  if (typeof value === 'number') {
    if (Number.isInteger(value)) return [];
    const msg = 'Input should be a valid integer, got a number with a fractional part';
    return [{ msg, type: 'int_from_float' }];
  }
  if (typeof value !== 'string') return [{ msg: 'Input should be a valid integer', type: 'int_type' }];
  return [
    { msg: 'Input should be a valid integer, unable to parse string as an integer', type: 'int_parsing' },
  ];
}

function numberProblems(value: Json): Problem[] {
  if (typeof value === 'number') return [];
  if (typeof value !== 'string') return [{ msg: 'Input should be a valid number', type: 'float_type' }];
  return [
    { msg: 'Input should be a valid number, unable to parse string as a number', type: 'float_parsing' },
  ];
}

function rangeProblems(value: Json, min: number | undefined, max: number | undefined): Problem[] {
  if (typeof value !== 'number') return [];
  if (min !== undefined && value < min) {
    const msg = `Input should be greater than or equal to ${min}`;
    return [{ msg, type: 'greater_than_equal', ctx: { ge: min } }];
  }
  if (max !== undefined && value > max) {
    return [
      { msg: `Input should be less than or equal to ${max}`, type: 'less_than_equal', ctx: { le: max } },
    ];
  }
  return [];
}

function listProblems(
  value: Json,
  limits: { min?: number; max?: number },
  item: (item: Json) => Problem[],
): Problem[] {
  if (!Array.isArray(value)) return [{ msg: 'Input should be a valid list', type: 'list_type' }];
  const { min = 0, max = Infinity } = limits;
  const actual = { actual_length: value.length };
  if (value.length < min) {
    const msg = `List should have at least ${min} item after validation, not ${value.length}`;
    return [{ msg, type: 'sequence_too_short', ctx: { min_length: min, ...actual } }];
  }
  if (value.length > max) {
    const msg = `List should have at most ${max} items after validation, not ${value.length}`;
    return [{ msg, type: 'sequence_too_long', ctx: { max_length: max, ...actual } }];
  }
  return value.flatMap((entry, index) => item(entry).map((problem) => ({ ...problem, at: [index] })));
}

function coerce(field: Field, value: Json): Json {
  if (typeof value !== 'string') return value;
  const numeric = field.kind === 'integer' || field.kind === 'number';
  const choosesNumber = field.kind === 'choice' && field.of.every((option) => typeof option === 'number');
  if ((numeric || choosesNumber) && value.trim() !== '' && Number.isFinite(Number(value)))
    return Number(value);
  if (field.kind === 'boolean' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  return value;
}

function valueAt(value: Json, at: readonly number[]): Json {
  const [index] = at;
  return index !== undefined && Array.isArray(value) ? (value[index] ?? null) : value;
}

/** `1024, 2048 or 4096` */
function spokenList(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}
