import { BakeryError } from '../../core/errors.ts';

/** For assert.rejects: a BakeryError with this code. */
export function isBakeryCode(code: string): (error: unknown) => boolean {
  return (error) => {
    if (error instanceof BakeryError && error.code === code) return true;
    throw error;
  };
}
