import { z } from 'zod';

/** Yes or no in an address: the text `true` or `false`; absent is neither. */
export const flag = () =>
  z.preprocess((text) => (text === 'true' ? true : text === 'false' ? false : text), z.boolean().optional());
