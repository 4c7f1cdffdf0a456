/** JSON, as documents are made of it. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** True for an object that is no list. */
export function isObject(node: Json | undefined): node is JsonObject {
  return typeof node === 'object' && node !== null && !Array.isArray(node);
}

/** The document with every object in it given to `change`, the innermost first. */
export function mapNodes(document: JsonObject, change: (node: JsonObject) => JsonObject): JsonObject {
  const walk = (node: Json): Json => {
    if (Array.isArray(node)) return node.map(walk);
    if (!isObject(node)) return node;
    const inner: JsonObject = Object.fromEntries(
      Object.entries(node).flatMap(([key, value]) => (value === undefined ? [] : [[key, walk(value)]])),
    );
    return change(inner);
  };
  return walk(document) as JsonObject;
}

/** The names of the schemas that a node refers to. */
function referenced(node: Json | undefined, found: Set<string>): Set<string> {
  if (Array.isArray(node)) for (const item of node) referenced(item, found);
  else if (isObject(node)) {
    for (const [key, value] of Object.entries(node)) {
      if (key === '$ref' && typeof value === 'string') found.add(value.replace('#/components/schemas/', ''));
      else referenced(value, found);
    }
  }
  return found;
}

function schemasOf(document: JsonObject): JsonObject {
  const components = document.components;
  const schemas = isObject(components) ? components.schemas : undefined;
  return isObject(schemas) ? schemas : {};
}

/** The document without the schemas that nothing refers to: the library adds an input twin of every one. */
export function withoutOrphans(document: JsonObject): JsonObject {
  const schemas = schemasOf(document);
  const used = new Set<string>();
  let frontier = referenced(document.paths, new Set());
  while (frontier.size > 0) {
    for (const name of frontier) used.add(name);
    const deeper = new Set<string>();
    for (const name of frontier) referenced(schemas[name], deeper);
    frontier = deeper.difference(used);
  }
  const kept = Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)));
  return { ...document, components: { ...(document.components as JsonObject), schemas: kept } };
}

/** An input twin whose output twin nothing refers to takes its name. */
export function renameTwins(document: JsonObject): JsonObject {
  const pruned = schemasOf(withoutOrphans(document));
  const twins = Object.keys(pruned).filter((name) => name.endsWith('Input') && !(name.slice(0, -5) in pruned));
  const taken = new Set(twins.map((name) => name.slice(0, -5)));
  const schemas = Object.fromEntries(Object.entries(schemasOf(document)).filter(([name]) => !taken.has(name)));
  const text = JSON.stringify({ ...document, components: { ...(document.components as JsonObject), schemas } });
  const renamed = twins.reduce(
    (so, name) =>
      so.replaceAll(`"${name}"`, `"${name.slice(0, -5)}"`).replaceAll(`/${name}"`, `/${name.slice(0, -5)}"`),
    text,
  );
  return JSON.parse(renamed);
}
