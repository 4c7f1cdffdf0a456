import { z } from 'zod';

/** RFC 9457 problem details. `error` repeats the text for clients of the original API, which look there. */
export const Problem = z
  .object({
    type: z.string().meta({ description: 'address of the section of docs/problems.md that explains the code' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().meta({ description: 'stable name of the error, in docs/problems.md' }),
    error: z.string().meta({ description: 'same as detail, for clients of the original API' }),
    instance: z.string().optional().meta({ description: 'request id, to be found in the log' }),
  })
  .meta({ id: 'Problem' });
export type Problem = z.output<typeof Problem>;
