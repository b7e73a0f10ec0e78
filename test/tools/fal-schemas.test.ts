import { describe, expect, it } from 'vitest';
import { isRecord } from '../../src/json.js';
import { definitionOf, tools } from '../../src/tools/index.js';

/**
 * Arguments as the documents of fal's endpoints list them, transcribed by hand: type, default and range or values.
 * `*` marks a required one. Ranges are from the endpoints' OpenAPI where their pages give none. What is ours is
 * said in the last column.
 */
const TABLE: Readonly<Record<string, string>> = {
  pixal3d: `
    image_url*                     string
    seed                           integer 0..2147483647 | no range documented: 32 bits
    resolution                     1024,1536 =1024
    ss_guidance_strength           number 0..10 =7.5
    ss_guidance_rescale            number 0..1 =0.7
    ss_sampling_steps              integer 1..50 =12
    ss_rescale_t                   number 1..6 =5
    shape_slat_guidance_strength   number 0..10 =7.5
    shape_slat_guidance_rescale    number 0..1 =0.5
    shape_slat_sampling_steps      integer 1..50 =12
    shape_slat_rescale_t           number 1..6 =3
    tex_slat_guidance_strength     number 0..10 =1
    tex_slat_guidance_rescale      number 0..1 =0
    tex_slat_sampling_steps        integer 1..50 =12
    tex_slat_rescale_t             number 1..6 =3
    mesh_scale                     number 0.1..4 =1
    max_num_tokens                 integer 4096..131072 =49152
    decimation_target              integer 5000..2000000 =200000
    texture_size                   1024,2048,4096 =2048
    remesh                         boolean =true`,
  reconviagen: `
    image_urls*                    list 1..16
    seed                           integer 0..2147483647 | no range documented: 32 bits
    resolution                     512,1024,1536 =1024
    ss_source                      direct,mesh,mvtrellis2 ="mesh"
    ss_guidance_strength           number 0..10 =7.5
    ss_guidance_rescale            number 0..1 =0.7
    ss_sampling_steps              integer 1..50 =12
    ss_rescale_t                   number 1..6 =5
    slat_guidance_strength         number 0..10 =7.5
    slat_guidance_rescale          number 0..1 =0.5
    slat_sampling_steps            integer 1..50 =12
    slat_rescale_t                 number 1..6 =3
    shape_slat_guidance_strength   number 0..10 =7.5
    shape_slat_guidance_rescale    number 0..1 =0.5
    shape_slat_sampling_steps      integer 1..50 =12
    shape_slat_rescale_t           number 1..6 =3
    tex_slat_guidance_strength     number 0..10 =1
    tex_slat_guidance_rescale      number 0..1 =0
    tex_slat_sampling_steps        integer 1..50 =12
    tex_slat_rescale_t             number 1..6 =3
    decimation_target              integer 5000..2000000 =500000
    texture_size                   1024,2048,4096 =2048
    multi_image_strategy           average_right,weighted_average,sequential,average,adaptive_guidance_weight,fixed_guidance_rescale ="adaptive_guidance_weight"`,
  tripo_image_to_3d: `
    image_url*                     string
    seed                           integer 0..2147483647 | no range documented: 32 bits
    face_limit                     integer 1..2000000 | no range documented
    pbr                            boolean =false | the page says true, its schema false: always sent
    texture                        no,standard,HD ="standard"
    texture_seed                   integer 0..2147483647 | no range documented: 32 bits
    auto_size                      boolean =false
    style                          person:person2cartoon,object:clay,object:steampunk,animal:venom,object:barbie,object:christmas,gold,ancient_bronze
    quad                           boolean =false
    texture_alignment              original_image,geometry ="original_image"
    orientation                    default,align_image ="default"`,
  tripo_multiview_to_3d: `
    front_image_url*               string
    left_image_url                 string
    back_image_url                 string
    right_image_url                string
    seed                           integer 0..2147483647 | no range documented: 32 bits
    face_limit                     integer 1..2000000 | no range documented
    pbr                            boolean =false | the page says true, its schema false: always sent
    texture                        no,standard,HD ="standard"
    texture_seed                   integer 0..2147483647 | no range documented: 32 bits
    auto_size                      boolean =false
    style                          person:person2cartoon,object:clay,object:steampunk,animal:venom,object:barbie,object:christmas,gold,ancient_bronze
    quad                           boolean =false
    texture_alignment              original_image,geometry ="original_image"
    orientation                    default,align_image ="default"`,
  hunyuan3d_v21: hunyuan('input_image_url*               string'),
  hunyuan3d_v2: hunyuan('input_image_url*               string'),
  hunyuan3d_v2_turbo: hunyuan('input_image_url*               string'),
  hunyuan3d_v2_multi_view: hunyuan(`front_image_url*               string
    back_image_url*                string
    left_image_url*                string`),
  rodin: `
    prompt                         string <=1024 =""
    input_image_urls               list 1..16 | no maximum documented
    condition_mode                 fuse,concat ="concat"
    seed                           integer 0..65535
    geometry_file_format           glb,usdz,fbx,obj,stl ="glb"
    material                       PBR,Shaded ="PBR"
    quality                        high,medium,low,extra-low ="medium"
    use_hyper                      boolean =false
    tier                           Regular,Sketch ="Regular"
    TAPose                         boolean =false
    bbox_condition                 list 3..3
    addons                         HighPack | the page's default is a list, its schema a text`,
  trellis: `
    image_url*                     string
    ${trellis()}`,
  trellis_multi: `
    image_urls*                    list 1..16 | no maximum documented
    multiimage_algo                stochastic,multidiffusion ="stochastic"
    ${trellis()}`,
  triposr: `
    image_url*                     string
    output_format                  glb,obj ="glb"
    do_remove_background           boolean =true
    foreground_ratio               number 0.5..1 =0.9
    mc_resolution                  integer 32..1024 =256`,
};

function hunyuan(images: string): string {
  return `
    ${images}
    seed                           integer 0..2147483647 | no range documented: 32 bits
    num_inference_steps            integer 1..50 =50
    guidance_scale                 number 0..20 =7.5
    octree_resolution              integer 1..1024 =256
    textured_mesh                  boolean =false`;
}

function trellis(): string {
  return `seed                           integer 0..2147483647 | no range documented: 32 bits
    ss_guidance_strength           number 0..10 =7.5
    ss_sampling_steps              integer 1..50 =12
    slat_guidance_strength         number 0..10 =3
    slat_sampling_steps            integer 1..50 =12
    mesh_simplify                  number 0.9..0.98 =0.95
    texture_size                   512,1024,2048 =1024`;
}

function described(text: string): Map<string, string> {
  const lines = text
    .split('\n')
    .map((line) => (line.split('|')[0] ?? '').trim())
    .filter(Boolean);
  return new Map(lines.map((line) => [line.split(/\s+/)[0] ?? '', line.split(/\s+/).slice(1).join(' ')]));
}

function shown(schema: unknown): string {
  if (!isRecord(schema)) return 'nothing';
  const text = (name: string): string => JSON.stringify(schema[name]);
  const usual = schema['default'] === undefined ? '' : ` =${text('default')}`;
  if (Array.isArray(schema['enum'])) return `${schema['enum'].join(',')}${usual}`;
  if (typeof schema['const'] === 'string') return `${schema['const']}${usual}`;
  if (schema['type'] === 'array') return `list ${text('minItems')}..${text('maxItems')}${usual}`;
  if (schema['maxLength'] !== undefined) return `string <=${text('maxLength')}${usual}`;
  const range = schema['minimum'] === undefined ? '' : ` ${text('minimum')}..${text('maximum')}`;
  return `${String(schema['type'])}${range}${usual}`;
}

describe.each(Object.entries(TABLE))('the tool %s', (name, text) => {
  it('takes what the provider documents, with the same types, defaults and ranges', () => {
    const tool = tools().find((candidate) => candidate.name === name);
    const { inputSchema } = tool ? definitionOf(tool) : { inputSchema: undefined };
    const required = new Set(inputSchema?.required ?? []);
    const common = new Set(['wait_seconds', 'force_new']);
    const ours = new Map(
      Object.entries(inputSchema?.properties ?? {})
        .filter(([field]) => !common.has(field))
        .map(([field, schema]) => [`${field}${required.has(field) ? '*' : ''}`, shown(schema)]),
    );
    const theirs = described(text);
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(theirs));
  });
});
