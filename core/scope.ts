/** What a token is allowed to do, from the least to the most. */
export const SCOPES = ['viewer', 'cpi', 'operator', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** True when a token of `scope` may make a call that needs `needed`: each scope may do all that the ones before it may. */
export function mayCall(scope: Scope, needed: Scope): boolean {
  return SCOPES.indexOf(scope) >= SCOPES.indexOf(needed);
}
