import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describeApi } from '../../server/http/describe.ts';

/** A JSON schema, as far as values are made from it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly example?: unknown;
  readonly examples?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** A parameter of an operation. */
export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: Schema;
}

interface ResponseObject {
  readonly $ref?: string;
  readonly description?: string;
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}
interface OperationObject {
  readonly operationId: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
  };
  readonly responses: Readonly<Record<string, ResponseObject>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses?: Readonly<Record<string, ResponseObject>>;
  };
}

/** One operation of the API, as its document describes it. */
export interface Operation {
  readonly id: string;
  readonly method: string;
  /** With its parameters in braces. */
  readonly path: string;
  readonly needsToken: boolean;
  readonly parameters: readonly Parameter[];
  readonly body: { readonly mediaType: string; readonly schema: Schema } | undefined;
  /** The codes of problems, by status. */
  readonly problems: ReadonlyMap<number, readonly string[]>;
  /** Answers that are no problems, by status: their media types, and what is wrong with a body in JSON. */
  readonly answers: ReadonlyMap<number, ReadonlyMap<string, (body: unknown) => string | undefined>>;
  /** True when it may start a durable operation: such a case costs a hundred of the others. */
  readonly isHeavy: boolean;
}

/** The whole API. */
export interface ApiDocument {
  readonly operations: readonly Operation[];
  /** The schema that a reference stands for, or the schema itself. */
  resolve(schema: Schema): Schema;
  /** What is wrong with a problem document. */
  checkProblem(body: unknown): string | undefined;
}

/** The media type of problems. */
export const PROBLEM_TYPE = 'application/problem+json';

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Reads the document that the server makes of itself. */
export async function readApi(): Promise<ApiDocument> {
  const document = (await describeApi('0')) as Document;
  const ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: true });
  ajv.addFormat('date-time', DATE_TIME);
  ajv.addFormat('binary', true);
  ajv.addSchema({ $id: 'api', components: document.components });
  const check = (validate: ValidateFunction) => (body: unknown) =>
    validate(body) ? undefined : ajv.errorsText(validate.errors, { dataVar: 'answer' });
  // The references of the document are to itself, whatever stands around them.
  const compile = (schema: Schema) =>
    check(ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')) as object));
  const responseOf = (response: ResponseObject): ResponseObject =>
    response.$ref === undefined
      ? response
      : (document.components.responses?.[response.$ref.split('/').at(-1) ?? ''] ?? response);

  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Operation => {
      const responses = Object.entries(operation.responses).map(
        ([status, response]) => [Number(status), responseOf(response)] as const,
      );
      const problems = new Map(
        responses
          .filter(([status]) => status >= 400)
          .map(([status, { description = '' }]) => [
            status,
            [...description.matchAll(/^- `([a-z0-9-]+)`:/gm)].map(([, code = '']) => code),
          ]),
      );
      const [mediaType, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
      return {
        id: operation.operationId,
        method: method.toUpperCase(),
        path,
        needsToken: operation.security?.length !== 0,
        parameters: operation.parameters ?? [],
        body: mediaType && content ? { mediaType, schema: content.schema } : undefined,
        problems,
        answers: new Map(
          responses.map(([status, response]) => [
            status,
            new Map(
              Object.entries(response.content ?? {})
                .filter(([type]) => type !== PROBLEM_TYPE)
                .map(([type, { schema }]) => [
                  type,
                  type === 'application/json' && schema ? compile(schema) : () => undefined,
                ]),
            ),
          ]),
        ),
        isHeavy: (problems.get(409)?.includes('busy') ?? false) || problems.has(504),
      };
    }),
  );
  return {
    operations,
    resolve: (schema) => document.components.schemas[schema.$ref?.split('/').at(-1) ?? ''] ?? schema,
    checkProblem: compile({ $ref: '#/components/schemas/Problem' }),
  };
}
