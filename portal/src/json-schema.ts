/** The parts of a JSON Schema that pages read. */
export interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  description?: string;
}

/** A value that shows what a schema means; not more than a start, as no page checks it. */
export function example(schema: Schema | undefined, depth = 0): unknown {
  if (!schema || depth > 4) return {};
  if ('const' in schema) return schema.const;
  const given = schema.examples?.[0] ?? schema.default ?? schema.enum?.[0];
  if (given !== undefined) return given;
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'string') return 'text';
  if (type === 'integer' || type === 'number') return 1;
  if (type === 'boolean') return true;
  if (type === 'null') return null;
  if (type === 'array') return schema.items ? [example(schema.items, depth + 1)] : [];
  const properties = Object.entries(schema.properties ?? {});
  return Object.fromEntries(properties.map(([name, part]) => [name, example(part, depth + 1)]));
}
