import { flagOf, SETTINGS } from '../src/config.js';
import { imageRange } from '../src/jobs/model.js';
import { isRecord } from '../src/json.js';
import { definitionOf, tools } from '../src/tools/index.js';
import { findModel, models } from '../src/tools/models.js';

/** Texts that follow from the tool objects, the models and the settings. */

/** What the server needs to answer `tools/list` without loading a tool. */
export function listedTools(): object[] {
  return tools().map((tool) => ({
    group: tool.group,
    ...(tool.providers ? { providers: tool.providers } : {}),
    ...(tool.remoteOnly ? { remoteOnly: true } : {}),
    definition: definitionOf(tool),
  }));
}

export function toolsTable(): string {
  const rows = tools().map(
    // What all models have in common is said once, in the text.
    (tool) =>
      `| \`${tool.name}\` | ${tool.group} | ${cell(findModel(tool.name)?.description ?? tool.description)} |`,
  );
  return ['| tool | group | does |', '|---|---|---|', ...rows].join('\n');
}

export function catalogueTable(): string {
  const rows = models().map((model) => {
    const { prices, surcharges = [] } = model.routes[0];
    const extra = surcharges.map(({ usd, condition }) => `; +$${usd} ${condition}`).join('');
    const price = prices
      .map(
        ({ usd, condition }) =>
          `${usd === null ? 'unknown' : usd === 0 ? 'free' : `$${usd}`}${condition ? ` (${condition})` : ''}`,
      )
      .join('; ');
    const over = model.routes.map(({ provider }) => provider).join(', ');
    return `| \`${model.tool}\` | ${over} | ${imageRange(model)} | ${model.outputs.join(', ')} | ${price || 'unknown'}${price === 'unknown' ? '' : extra} |`;
  });
  return ['| tool | over | images | output | price of a job |', '|---|---|---|---|---|', ...rows].join('\n');
}

export function settingsTable(): string {
  const rows = SETTINGS.map(
    (setting) =>
      `| \`${setting.name}\` | ${setting.secret ? '–' : `\`${flagOf(setting)}\``} | ${setting.default ?? '–'} | ${cell(setting.help)} |`,
  );
  return ['| name | flag | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

export function toolsPage(): string {
  const parts = tools().map((tool) => {
    const { inputSchema, annotations } = definitionOf(tool);
    const properties = isRecord(inputSchema.properties) ? Object.entries(inputSchema.properties) : [];
    const required = new Set(inputSchema.required ?? []);
    const rows = properties.map(
      ([name, schema]) =>
        `| \`${name}\`${required.has(name) ? ' (required)' : ''} | ${typeText(schema)} | ${defaultText(schema)} | ${descriptionText(schema)} |`,
    );
    const over = tool.providers ? ` Runs over ${tool.providers.join(', ')}.` : '';
    const hints = annotations?.readOnlyHint
      ? 'Reads only.'
      : annotations?.destructiveHint
        ? 'Destructive.'
        : 'Writes.';
    return [
      `## ${tool.name}`,
      '',
      `${tool.description}${over} ${hints}`,
      '',
      ...(rows.length > 0
        ? ['| argument | type | default | meaning |', '|---|---|---|---|', ...rows]
        : ['No arguments.']),
    ].join('\n');
  });
  return `# Tools\n\nWritten by \`npm run generate\`. Where more than one provider of a model has a key, its tool also takes \`provider\`.\n\n${parts.join('\n\n')}\n`;
}

function typeText(schema: unknown): string {
  if (!isRecord(schema)) return '';
  const { enum: values, type, minimum, maximum, items } = schema;
  if (Array.isArray(values)) return values.map((value) => `\`${String(value)}\``).join(', ');
  const range =
    typeof minimum === 'number' && typeof maximum === 'number' ? `, ${minimum} to ${maximum}` : '';
  if (type === 'array') return `list of ${typeText(items) || 'values'}`;
  return `${typeof type === 'string' ? type : ''}${range}`;
}

function defaultText(schema: unknown): string {
  return isRecord(schema) && schema['default'] !== undefined
    ? `\`${JSON.stringify(schema['default'])}\``
    : '';
}

function descriptionText(schema: unknown): string {
  return isRecord(schema) && typeof schema['description'] === 'string' ? cell(schema['description']) : '';
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
