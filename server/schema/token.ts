import { z } from 'zod';
import { SCOPES } from '../../core/scope.ts';
import { isTokenName } from '../../core/token.ts';
import { NextCursor } from './page.ts';

const ScopeName = z.enum(SCOPES).meta({
  id: 'Scope',
  description:
    'What a token may do, each all that those before it may: `viewer` reads; `cpi` makes the calls of the original API, too; `operator` works on Pis, disks and operations; `admin` does everything.',
  example: 'cpi',
});

const TokenName = z
  .string()
  .refine(isTokenName, 'has 1 to 64 letters, digits or . _ @ - and is none of Bakery’s own')
  .meta({
    description: 'what the audit and operations call who uses it; no other token has or had it',
    example: 'bosh-director',
  });

const Expiry = z.iso.datetime({ offset: true }).meta({
  description: 'from then on it is refused; absent for one that does not expire',
  example: '2027-11-24T12:00:00Z',
});

/** What POST /tokens takes. */
export const CreateToken = z
  .object({ name: TokenName, scope: ScopeName, expiresAt: Expiry.optional() })
  .meta({ id: 'CreateToken', description: 'A token to be made.' });

/** A token without its secret, which is nowhere kept. */
export const TokenInfo = z
  .object({
    id: z.string().meta({ example: '0f4c2f0e-6a55-4a3e-9d1c-5d0c4f6f2a11' }),
    name: TokenName,
    scope: ScopeName,
    createdAt: z.iso.datetime(),
    expiresAt: Expiry.optional(),
    lastUsedAt: z.iso.datetime().optional().meta({ description: 'to the minute; absent before its first use' }),
    revokedAt: z.iso.datetime().optional().meta({ description: 'when it was ended; absent while it may be used' }),
  })
  .meta({ id: 'Token', description: 'A token without its secret.' });
export type TokenInfo = z.output<typeof TokenInfo>;

/** A token as it is shown once. */
export const TokenCreated = TokenInfo.extend({
  secret: z.string().meta({
    description: 'what calls are made with; only its hash is kept, so it is never shown again',
    example: 'bakery_q2bWkqk0J9H0v3Wn0c1o8g4VYw1m3n6p5sXzT7uBcD0',
  }),
}).meta({ id: 'TokenCreated', description: 'A new token with its secret.' });

/** A page of tokens. */
export const TokenPage = z
  .object({ tokens: z.array(TokenInfo), next: NextCursor })
  .meta({ id: 'TokenPage', description: 'A page of tokens, oldest first.' });

/** Who asks. */
export const WhoAmI = z
  .object({
    name: z.string().meta({ description: 'what the audit calls you', example: 'bosh-director' }),
    scope: ScopeName,
    expiresAt: Expiry.optional(),
  })
  .meta({ id: 'WhoAmI', description: 'Whom the server takes you for.' });
