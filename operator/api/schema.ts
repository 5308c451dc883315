/**
 * One definition gives both the OpenAPI schema of a custom resource and its TypeScript type, so that they cannot differ.
 * A field with a default, or that is required, is always there: the API server fills it in.
 */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** A rule in CEL and what the user is told when it does not hold. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

type Presence = 'always' | 'maybe';

export interface Schema<Value, There extends Presence = Presence> {
  readonly json: JsonSchema;
  readonly presence: There;
  readonly required: boolean;
  /** Never there: carries the type. */
  readonly value?: Value;
}

type Fields = Readonly<Record<string, Schema<unknown>>>;
export type Infer<Of> = Of extends Schema<infer Value> ? Value : never;
type AlwaysThere<F extends Fields> = { [K in keyof F]: F[K] extends Schema<unknown, 'always'> ? K : never }[keyof F];
export type ObjectOf<F extends Fields> = { readonly [K in AlwaysThere<F>]: Infer<F[K]> } & {
  readonly [K in Exclude<keyof F, AlwaysThere<F>>]?: Infer<F[K]>;
};

interface Common<Value> {
  readonly default?: Value;
  readonly required?: true;
  readonly rules?: readonly Rule[];
}
type PresenceOf<O> = O extends { readonly default: unknown } | { readonly required: true } ? 'always' : 'maybe';

function schema<Value, O extends Common<unknown>>(
  type: JsonSchema,
  description: string,
  options: O,
): Schema<Value, PresenceOf<O>> {
  const { default: preset, required, rules, ...keywords } = options;
  const json = {
    description,
    ...type,
    ...keywords,
    ...(preset === undefined ? {} : { default: preset }),
    ...(rules === undefined ? {} : { 'x-kubernetes-validations': rules }),
  };
  const presence = (preset !== undefined || required === true ? 'always' : 'maybe') as PresenceOf<O>;
  return { json, presence, required: required === true };
}

interface TextOptions extends Common<string> {
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly format?: string;
}

export function text<const O extends TextOptions>(description: string, options: O): Schema<string, PresenceOf<O>>;
export function text(description: string): Schema<string, 'maybe'>;
export function text(description: string, options: TextOptions = {}): Schema<string> {
  return schema({ type: 'string' }, description, options);
}

export function choice<const V extends string, const O extends Common<V>>(
  description: string,
  values: readonly V[],
  options: O,
): Schema<V, PresenceOf<O>> {
  return schema({ type: 'string', enum: values }, description, options);
}

interface IntegerOptions extends Common<number> {
  readonly minimum?: number;
  readonly maximum?: number;
}

export function integer<const O extends IntegerOptions>(description: string, options: O): Schema<number, PresenceOf<O>>;
export function integer(description: string): Schema<number, 'maybe'>;
export function integer(description: string, options: IntegerOptions = {}): Schema<number> {
  return schema({ type: 'integer', format: 'int64' }, description, options);
}

export function flag<const O extends Common<boolean>>(description: string, options: O): Schema<boolean, PresenceOf<O>> {
  return schema({ type: 'boolean' }, description, options);
}

/** A number of bytes, or a text such as 10Gi. */
export function bytes(description: string): Schema<number | string, 'maybe'> {
  const pattern = '^[0-9]{1,15}(Ki|Mi|Gi|Ti)?$';
  return schema({ 'x-kubernetes-int-or-string': true, pattern }, description, {});
}

export function object<const F extends Fields, const O extends Common<object>>(
  description: string,
  fields: F,
  options: O,
): Schema<ObjectOf<F>, PresenceOf<O>>;
export function object<const F extends Fields>(description: string, fields: F): Schema<ObjectOf<F>, 'maybe'>;
export function object(description: string, fields: Fields, options: Common<object> = {}): Schema<object> {
  const required = Object.keys(fields).filter((name) => fields[name]?.required);
  const type = {
    type: 'object',
    properties: Object.fromEntries(Object.entries(fields).map(([name, { json }]) => [name, json])),
    ...(required.length === 0 ? {} : { required }),
  };
  if (options.default === undefined) return schema(type, description, options);
  // The API server validates a default by the rules before it fills in the defaults within.
  const presets = Object.entries(fields).flatMap(([name, { json }]) =>
    'default' in json ? [[name, json.default]] : [],
  );
  return schema(type, description, { ...options, default: { ...Object.fromEntries(presets), ...options.default } });
}

interface ListOptions extends Common<readonly unknown[]> {
  readonly maxItems?: number;
  /** Items are one object for each value of this field. */
  readonly key?: string;
}

export function list<V>(
  description: string,
  items: Schema<V>,
  { key, ...options }: ListOptions = {},
): Schema<readonly V[], 'maybe'> {
  const kind =
    key === undefined
      ? { 'x-kubernetes-list-type': 'atomic' }
      : { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] };
  return schema({ type: 'array', items: items.json, ...kind }, description, options) as Schema<readonly V[], 'maybe'>;
}

export function map<V>(description: string, values: Schema<V>): Schema<Readonly<Record<string, V>>, 'maybe'> {
  return schema({ type: 'object', additionalProperties: values.json }, description, {});
}

/** An object of Kubernetes that is passed on as it is. */
export function passedOn<V extends object>(description: string): Schema<V, 'maybe'> {
  return schema({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, description, {});
}
