import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

/** An operation of the document, as far as an answer is checked against it. */
interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, Response>>;
}
interface Response {
  readonly $ref?: string;
  readonly description?: string;
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
}
/** What is needed of an OpenAPI document. */
export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: object; readonly responses: Readonly<Record<string, Response>> };
}

/** An answer that came over the wire. */
export interface Answer {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Compares answers with the document. */
export interface ContractCheck {
  /** Every operationId there is. */
  readonly operations: readonly string[];
  /** The operation that a call is, undefined when the document has none. */
  operationOf(method: string, path: string): string | undefined;
  /** What of an answer the document does not say; nothing when all is as it says. */
  faults(answer: Answer): string[];
}

/** Builds the checks of a document. */
export function contractCheck(document: Document): ContractCheck {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'document', components: document.components });
  const routes = Object.entries(document.paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      pattern: new RegExp(`^${template.replaceAll(/\{filename\}$/g, '.+').replaceAll(/\{[^}]+\}/g, '[^/]+')}$`),
      exact: !template.includes('{'),
      operation,
    })),
  );
  const find = (method: string, path: string) => {
    const fits = routes.filter((route) => route.method === method && route.pattern.test(path));
    return (fits.find(({ exact }) => exact) ?? fits[0])?.operation;
  };
  const resolve = (response: Response): Response =>
    response.$ref ? (document.components.responses[response.$ref.split('/').at(-1) ?? ''] ?? {}) : response;
  const compiled = new Map<object, ValidateFunction>();
  function validatorOf(schema: object): ValidateFunction {
    const known = compiled.get(schema);
    if (known) return known;
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/'));
    const validate = ajv.compile(absolute);
    compiled.set(schema, validate);
    return validate;
  }

  return {
    operations: routes.map(({ operation }) => operation.operationId),
    operationOf: (method, path) => find(method, path)?.operationId,

    faults({ method, path, status, contentType, body }) {
      const operation = find(method, path);
      if (!operation) return [];
      const called = `${operation.operationId} answered ${status}`;
      const declared = operation.responses[status];
      if (!declared) return [`${called}, which the document does not know`];
      const response = resolve(declared);
      const type = contentType.split(';')[0]?.trim() ?? '';
      const schema = response.content?.[type]?.schema;
      if (!schema) return response.content ? [`${called} as ${type}, which the document does not know`] : [];
      if (!type.includes('json')) return [];
      const told = JSON.parse(body);
      const validate = validatorOf(schema);
      const faults = validate(told) ? [] : [`${called} with another shape: ${ajv.errorsText(validate.errors)}`];
      const undeclared = status >= 400 && !response.description?.includes(`- \`${told.code}\``);
      return undeclared
        ? [...faults, `${called} with the code ${told.code}, which the document does not know`]
        : faults;
    },
  };
}
