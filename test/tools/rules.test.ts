import { readdirSync } from 'node:fs';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isRecord } from '../../src/json.js';
import { imageFields } from '../../src/jobs/model.js';
import { models } from '../../src/tools/models.js';
import { Providers } from '../../src/providers/index.js';
import { definitionOf, tools } from '../../src/tools/index.js';
import { loadConfig } from '../../src/config.js';
import { visibleTools } from '../../src/server/tool-list.js';

/** What holds for every tool, also for one that is added tomorrow. */

function files(folder: string): string[] {
  return readdirSync(new URL(`../../src/tools/${folder}`, import.meta.url))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.replace(/\.ts$/, ''));
}

const tokens = (list: ReturnType<typeof visibleTools>): number =>
  list.reduce(
    (sum, { definition: { name, description, inputSchema } }) =>
      sum + encode(JSON.stringify({ name, description, input_schema: inputSchema })).length,
    0,
  );

describe.each(tools().map((tool) => [tool.name, tool] as const))('the tool %s', (name, tool) => {
  const definition = definitionOf(tool);

  it('has a short snake_case name that is the name of its file', () => {
    expect(name).toMatch(/^[a-z][a-z0-9_]{1,27}$/);
    expect(files(tool.group === 'models' ? 'models' : '')).toContain(name);
  });

  it('has a title, a description and complete annotations', () => {
    expect(definition.title).toBeTruthy();
    expect(definition.description?.length).toBeGreaterThan(20);
    expect(definition.description?.length).toBeLessThan(600);
    expect(definition.annotations).toMatchObject({
      readOnlyHint: expect.any(Boolean),
      destructiveHint: expect.any(Boolean),
      idempotentHint: expect.any(Boolean),
      openWorldHint: expect.any(Boolean),
    });
  });

  it('takes a strict object without unions at the top', () => {
    expect(definition.inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
    for (const union of ['anyOf', 'oneOf', 'allOf', '$schema'])
      expect(definition.inputSchema).not.toHaveProperty(union);
  });

  it('bounds every number, so that no schema carries the limits of a double', () => {
    expect(JSON.stringify(definition.inputSchema)).not.toContain(String(Number.MAX_SAFE_INTEGER));
  });

  it('says what it answers, unless it is a picture', () => {
    expect(definition.outputSchema === undefined).toBe(name === 'view_asset');
  });

  it('refuses an unknown argument by zod too', () => {
    const parsed = tool.input.safeParse({ no_such_argument: 1 });
    expect(JSON.stringify(parsed.error?.issues)).toContain('unrecognized_keys');
  });
});

describe('the list of tools', () => {
  it('names every file once', () => {
    const names = tools().map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const inFiles = [...files(''), ...files('models')].filter(
      (name) => !['index', 'tool', 'model-tool', 'models'].includes(name),
    );
    expect(names.toSorted()).toEqual(inFiles.toSorted());
  });

  it('begins with a tool that is free and only reads', () => {
    expect(tools()[0]).toMatchObject({ name: 'list_models', effect: 'reads' });
  });

  it('says what red means in a picture', () => {
    const { description } = tools().find(({ name }) => name === 'view_asset') ?? {};
    expect(description).toMatch(/clay and wireframe, red is the back of a surface/);
  });

  it('costs a model under 2,500 tokens without keys', () => {
    expect(tokens(visibleTools(loadConfig({}), true))).toBeLessThan(2500);
  });

  it('costs a model under 8,000 tokens with every key', () => {
    const config = loadConfig({
      FAL_KEY: 'a:b',
      PIXAZO_API_KEY: 'k',
      SCENARIO_SDK_API_KEY: 'k',
      SCENARIO_SDK_API_SECRET: 's',
    });
    expect(tokens(visibleTools(config, true))).toBeLessThan(8000);
  });

  it.each([
    {},
    { FAL_KEY: 'a:b' },
    { PIXAZO_API_KEY: 'k' },
    { SCENARIO_SDK_API_KEY: 'k', SCENARIO_SDK_API_SECRET: 's' },
    { FAL_KEY: 'a:b', PIXAZO_API_KEY: 'k' },
  ])('shows the models of the providers that exist, and no others: %j', (keys) => {
    const config = loadConfig(keys);
    const existing = new Providers().of(config);
    const runnable = models().filter(({ routes }) => routes.some(({ provider }) => existing.has(provider)));
    const shown = visibleTools(config).filter(({ group }) => group === 'models');
    expect(shown.map(({ definition }) => definition.name)).toEqual(runnable.map(({ tool }) => tool));
    expect(existing.size).toBe(1 + Object.keys(keys).filter((name) => !name.endsWith('SECRET')).length);
  });

  it('can be narrowed by name and group, and stops the start on a name that is not there', () => {
    const names = (text: string): string[] =>
      visibleTools(loadConfig({ MESHWRIGHT_TOOLS: text })).map(({ definition }) => definition.name);
    expect(names('jobs')).toEqual(['list_models', 'get_job', 'wait_for_job', 'cancel_job', 'list_jobs']);
    expect(names('local_image_to_3d,get_job')).toEqual(['local_image_to_3d', 'get_job']);
    expect(() => names('jbos')).toThrow(/MESHWRIGHT_TOOLS names "jbos"/);
  });
});

describe.each(models().map((model) => [model.tool, model] as const))('the model %s', (_name, model) => {
  it('takes at least one image or text, and images by our own word', () => {
    const fields = Object.keys(model.input.shape);
    expect(imageFields(model).length > 0 || fields.includes('prompt')).toBe(true);
    for (const field of fields.filter((name) => /image_urls?$|^mask_url$/.test(name)))
      expect(imageFields(model)).toContain(field);
  });

  it('says who can read an image that is uploaded to fal, and for how long', () => {
    const uploads = imageFields(model).length > 0 && model.routes.some(({ provider }) => provider === 'fal');
    const description = tools().find(({ name }) => name === model.tool)?.description;
    if (uploads) expect(description).toMatch(/uploaded; at fal anybody with the link can read it for 24 h/);
    else expect(description).not.toMatch(/fal/);
  });

  it('dates every price and says where it was read', () => {
    for (const { prices } of model.routes) {
      for (const { source, date } of prices) {
        expect(source).toBeTruthy();
        expect(date).toMatch(/^\d{4}-\d{2}-\d{2}$/);
      }
    }
  });

  it('has a strict schema', () => {
    expect(z.toJSONSchema(model.input, { io: 'input' })).toMatchObject({ additionalProperties: false });
    expect(isRecord(model.input.shape)).toBe(true);
  });
});
