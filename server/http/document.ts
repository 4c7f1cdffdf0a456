import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';

type Transform = typeof jsonSchemaTransform;
type TransformObject = typeof jsonSchemaTransformObject;

/** Routes that stream their body say its media type, which the schema library cannot express; a wildcard gets a name. */
export const describeRoute: Transform = (input) => {
  const result = jsonSchemaTransform(input);
  const mediaType = input.route.config?.rawBody;
  const schema: Record<string, unknown> = { ...result.schema };
  if (mediaType) Object.assign(schema, { consumes: [mediaType], body: { type: 'string', format: 'binary' } });
  if (!result.url.endsWith('/*') || schema.params === undefined) return { ...result, schema };
  // OpenAPI has no name for a rest of a path that may have slashes.
  const params = JSON.parse(JSON.stringify(schema.params).replaceAll('"*"', '"filename"'));
  return { url: result.url.replace(/\*$/, ':filename'), schema: { ...schema, params } };
};

function referenced(node: unknown, found: Set<string>): Set<string> {
  if (Array.isArray(node)) for (const item of node) referenced(item, found);
  else if (node !== null && typeof node === 'object') {
    for (const [key, value] of Object.entries(node)) {
      if (key === '$ref' && typeof value === 'string') found.add(value.replace('#/components/schemas/', ''));
      else referenced(value, found);
    }
  }
  return found;
}

/** The library adds an input twin of every schema; those that nothing refers to are left out of the document. */
export const describeDocument: TransformObject = (input) => {
  const document = jsonSchemaTransformObject(input) as {
    paths?: object;
    components?: { schemas?: Record<string, unknown> };
  };
  const schemas = document.components?.schemas ?? {};
  const used = new Set<string>();
  let frontier = referenced(document.paths, new Set());
  while (frontier.size > 0) {
    for (const name of frontier) used.add(name);
    const deeper = new Set<string>();
    for (const name of frontier) referenced(schemas[name], deeper);
    frontier = deeper.difference(used);
  }
  for (const name of Object.keys(schemas)) if (!used.has(name)) delete schemas[name];
  const twins = Object.keys(schemas).filter((name) => name.endsWith('Input') && !(name.slice(0, -5) in schemas));
  const renamed = twins.reduce(
    (text, name) =>
      text.replaceAll(`"${name}"`, `"${name.slice(0, -5)}"`).replaceAll(`/${name}"`, `/${name.slice(0, -5)}"`),
    JSON.stringify(document),
  );
  return JSON.parse(renamed);
};
