import { z } from 'zod';
import { NextCursor } from './page.ts';

/** One call that was meant to change something, or was refused for its token. */
export const AuditEntryInfo = z
  .object({
    seq: z.int(),
    at: z.iso.datetime(),
    actor: z.string().meta({ description: 'whose token' }),
    client: z.string().meta({ description: 'address it came from' }),
    method: z.string(),
    path: z.string(),
    status: z.int(),
    code: z.string().optional(),
    operation: z.string().optional(),
    request: z.string().meta({ description: 'request id, as in the log and in problems' }),
  })
  .meta({ id: 'AuditEntry' });

/** A page of the audit, newest first. */
export const AuditPage = z.object({ entries: z.array(AuditEntryInfo), next: NextCursor }).meta({ id: 'AuditPage' });
